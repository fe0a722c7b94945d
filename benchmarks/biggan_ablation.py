"""BigGAN's parts on digits, each switched off alone: 1,500 steps, one seed, all else equal.

A part is taken out by hand, so that the model file needs no switches. "No average" and "averaged
statistics" are the whole model's run, sampled with the last weights, and with the averages of batch
norm's and spectral norm's buffers in place of standing statistics.
"""
import time
from typing import NamedTuple

import torch
from biggan_truncation import curve
from common import chosen, write
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from course_lib.core import GenerativeModel
from course_lib.data import digits
from course_lib.evaluate import classify, features, fid, precision_recall
from course_lib.gan.biggan import BigGAN
from course_lib.gan.minimax import discriminator_loss, non_saturating_generator_loss
from course_lib.nets import BigD, BigG, orthogonal, without_spectral_norm
from course_lib.recipes.biggan import digits_biggan, train_digits

TABLES = {"biggan_ablation": ["off"]}
STEPS = 1500


class PlainNorm(nn.Module):
    """Batch norm that is told nothing."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, h: Tensor, e: Tensor) -> Tensor:
        return self.norm(h)


class ToldOnce(BigG):
    """z and the class enter at the first layer only."""

    def __init__(self, classes: int, n_z: int = 96, width: int = 32, n_shared: int = 32):
        super().__init__(classes, n_z, width, n_shared=n_shared)
        self.first = spectral_norm(nn.Linear(n_z + n_shared, 2 * width * 49))
        self.norm_1, self.norm_2 = PlainNorm(2 * width), PlainNorm(width)
        orthogonal(self)

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        h = self.norm_1(self.place(self.first(torch.cat([z, self.shared(c)], 1))), z).relu()
        h = self.up(self.conv_1(self.attention(h)))
        return self.up(self.conv_2(self.norm_2(h, z).relu())).tanh()


def without_attention() -> BigGAN:
    model = digits_biggan()
    model.G.attention, model.D.attention = nn.Identity(), nn.Identity()
    return model


MODELS = {
    "nothing": digits_biggan,
    "conditional batch norm": lambda: BigGAN(ToldOnce(10), BigD(10), torch.eye(10)),
    "attention": without_attention,
    "spectral norm": lambda: without_spectral_norm(digits_biggan()),
    "hinge loss": lambda: BigGAN(BigG(10), BigD(10), torch.eye(10), 1e-4, discriminator_loss,
                                 non_saturating_generator_loss),
    "orthogonal regularisation": lambda: BigGAN(BigG(10), BigD(10), torch.eye(10), beta=0.0)}


class Run(NamedTuple):
    off: str


def measured(off: str, model: BigGAN) -> dict:
    y = torch.arange(5000) % 10
    x = model.sample(5000, y=y, generator=torch.Generator().manual_seed(0))
    precision, recall = precision_recall(features(digits().images[:2000]), features(x[:2000]))
    shown = (classify(x).argmax(1) == y).float().mean().item()
    return {"off": off, "steps": STEPS, "fid": fid(x), "precision": precision, "recall": recall,
            "class_shown": shown}


if __name__ == "__main__":
    for run in chosen([Run(off) for off in MODELS], __doc__):
        torch.manual_seed(0)
        model = MODELS[run.off]()
        cpu = time.process_time()
        train_digits(model, steps=STEPS)
        cpu = time.process_time() - cpu
        rows = []
        if run.off == "nothing":
            with GenerativeModel.averaged(model):
                rows.append(measured("standing statistics", model))
            average, model.ema = model.ema, None
            rows.append(measured("average of the weights", model))
            model.ema = average
        with model.averaged():
            rows.append(measured(run.off, model))
            rows = [row | {"cpu_seconds": cpu} for row in rows]
            for row in rows:
                print(row, flush=True)
            write("biggan_ablation", rows, ("off",))
            if run.off in ("nothing", "orthogonal regularisation"):
                name = f"{STEPS} steps" + (", β = 0" if run.off != "nothing" else "")
                write("biggan_truncation", curve(name, model), ("weights", "threshold"))
