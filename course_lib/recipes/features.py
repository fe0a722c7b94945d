"""How data/digit_features.safetensors was made: LeCun et al. 1998, Figure 2, with ReLU, trained on
MNIST's 60,000 training digits, with mean and covariance of the 10,000 test digits' features.

    python -m course_lib.recipes.features [folder of the official MNIST files; else it is fetched]

The course's FID is the distance on *that* network (99.1 % of the test digits right), and on another
one it is another metric: this writes build/digit_features.safetensors, and never over the one that
ships.
"""
import argparse
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import Trainable, fit, warmup_cosine
from course_lib.data import Digits, batches, full_digits

BUILT = Path(__file__).parents[2] / "build" / "digit_features.safetensors"


class LeNet(Trainable):
    """x → 64 features → logits of 10 digits    LeCun et al. 1998, Figure 2, with ReLU"""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5, padding=2)
        self.conv2 = nn.Conv2d(16, 32, 5, padding=2)
        self.features = nn.Linear(32 * 7 * 7, 64)
        self.logits = nn.Linear(64, 10)

    def hidden(self, x: Tensor) -> Tensor:           # (batch, 1, 28, 28) in [−1, 1] → (batch, 64)
        h = nnf.max_pool2d(self.conv1(x).relu(), 2)
        h = nnf.max_pool2d(self.conv2(h).relu(), 2)
        return self.features(h.flatten(1)).relu()

    def loss(self, batch, player: str) -> Tensor:
        """−log p(y | x), the mean, in nats    Bishop 2006, eq. 4.108"""
        x, y = batch
        return nnf.cross_entropy(self.logits(self.hidden(x)), y)


def digit_features(train: Digits, test: Digits, *, epochs: int = 8) -> dict[str, Tensor]:
    """The file's tensors: weights, and μ, Σ of the features of `test`    Heusel et al. 2017, eq. 6

    train: at least 64 digits. reference.mean (64,) and reference.covariance (64, 64) are float64.
    """
    torch.manual_seed(0)
    model = LeNet()
    fit(model, batches(*train, size=64), steps=epochs * (len(train.images) // 64), lr=1e-3,
        schedule=warmup_cosine())
    model.to("cpu")
    with torch.no_grad():
        h = torch.cat([model.hidden(part) for part in test.images.split(1000)]).double()
        accuracy = (model.logits(h.float()).argmax(1) == test.labels).float().mean()
    print(f"{accuracy:.1%} of the {len(test.labels):,} test digits are read right.")
    return model.state_dict() | {"reference.mean": h.mean(0), "reference.covariance": h.T.cov()}


def main(arguments: list[str] | None = None) -> None:
    """Trains on all of MNIST, and writes to build/."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.recipes.features")
    parser.add_argument("folder", nargs="?", help="of the official MNIST files; else fetched")
    folder = parser.parse_args(arguments).folder
    train, test = (full_digits("mnist", split, folder=folder) for split in ("train", "test"))
    BUILT.parent.mkdir(exist_ok=True)
    save_file(digit_features(train, test), str(BUILT))
    print(f"{BUILT} is written. The one that ships stays: FIDs on two networks do not compare.")


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")       # no name stops a terminal
    main()
