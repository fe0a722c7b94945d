"""What test_accelerate.py compares: python -m accelerate.commands.launch … two_processes.py FOLDER
trains small models in two processes, each on half of every batch, and writes their weights."""
import sys
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as nnf

from course_lib.core import Trainable, fit, save
from course_lib.optim import Muon

STEPS, BATCH = 6, 8


class Mean(Trainable):
    """A mean over examples, of a net in float64, with a part that is not trained."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.ReLU(), nn.Linear(12, 5))
        self.register_buffer("count", torch.tensor(3))
        self.double()

    def loss(self, batch, player):
        x, y = batch
        return ((self.net(x) - y) ** 2).mean()


class Pairs(Trainable):
    """A loss that compares all examples of a batch."""

    def __init__(self, gather=lambda z: z):
        super().__init__()
        self.f, self.g, self.gather = nn.Linear(16, 3), nn.Linear(5, 3), gather
        self.log_scale = nn.Parameter(torch.tensor(1.0))
        self.double()

    def loss(self, batch, player):
        x, y = batch
        z_x, z_y = nnf.normalize(self.f(x.flatten(1)), dim=1), nnf.normalize(self.g(y), dim=1)
        s = self.log_scale.exp() * self.gather(z_x) @ self.gather(z_y).T
        pairs = torch.arange(len(s))
        return nnf.cross_entropy(s, pairs) + nnf.cross_entropy(s.T, pairs)


def data(share: int = 0, of: int = 1) -> list:
    """Batches, the same in each pass: of each, the rows share, share + of, …"""
    generator = torch.Generator().manual_seed(0)
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    whole = [(draw(BATCH, 1, 4, 4), draw(BATCH, 5)) for _ in range(3)]
    return [(x[share::of], y[share::of]) for x, y in whole]


def drawn(model, seed):
    """The model with first weights of that seed."""
    torch.manual_seed(seed)
    for layer in model.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return model


def train(model, batches):
    """Steps that are as long as the gradient is, and steps with gradients that are clipped, by far:
    0.01 is less than any of theirs is long."""
    descent = lambda parameters, lr, betas: torch.optim.SGD(parameters, lr=lr)
    fit(model, batches, steps=STEPS, lr=0.1, optimiser=descent, device="cpu")
    fit(model, batches, steps=STEPS, lr=0.01, clip=0.01, ema=0.9, optimiser=Muon, device="cpu")


def main(folder: Path) -> None:
    from accelerate import Accelerator

    from course_lib.recipes._accelerated import gathered, together
    accelerator = Accelerator()
    models = {"mean": Mean(), "pairs": Pairs(lambda z: gathered(z, accelerator))}
    for name, model in models.items():
        drawn(model, seed=accelerator.process_index)                    # other ones in each process
        with together(model, accelerator) as process:
            train(model, data(process, accelerator.num_processes))
        save(model, folder / f"{name}_{process}.safetensors")
    accelerator.wait_for_everyone()
    accelerator.end_training()       # or gloo's thread, alive at the exit, aborts one run in ten


if __name__ == "__main__":
    main(Path(sys.argv[1]))
