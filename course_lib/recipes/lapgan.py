"""The LAPGAN of digits that ships: Denton et al. 2015, on 7×7 → 14×14 → 28×28."""
from torch import Tensor

from course_lib.core import History, falling, fit
from course_lib.data import batches, digits
from course_lib.gan.lapgan import LAPGAN
from course_lib.nets import CoarseD, CoarseG, DetailD, DetailG
from course_lib.recipes import Recipe


def digits_lapgan(size: int = 28) -> LAPGAN:
    """A LAPGAN of digits, (batch, 1, size, size), K = 2    Denton et al. 2015, Section 3.1

    The paper's CIFAR-10 cascade is 8×8 → 14×14 → 28×28.
    """
    return LAPGAN([DetailG(), DetailG(64), CoarseG(64, size // 4)],
                  [DetailD(size), DetailD(size // 2, 64, scale=2), CoarseD(size // 4)], 64)


def train_digits(model: LAPGAN, x: Tensor | None = None, *, steps: int | None = 500,
                 seconds: float | None = None, seed: int = 0, on_step=None) -> History:
    """All levels side by side, each a game of its own    Denton et al. 2015, Section 2.3

    About 80 s on one core. The coarsest level decides the most and costs the least: it has eight
    turns to three of the middle and one of the finest. Departs from the paper's gradient descent
    with momentum: Adam, rates and averages as for the GAN beside it (course_lib/recipes/gan.py).
    x: the digits unless given.
    """
    level = lambda k: [(f"D_{k}", 1), (f"G_{k}", 1)]
    x = digits().images if x is None else x
    return fit(model, batches(x, size=32), steps=None if seconds else steps,
               seconds=seconds, lr=2e-3, betas=(0.0, 0.99), ema=0.99, seed=seed, on_step=on_step,
               turns=8 * level(2) + 3 * level(1) + level(0),
               schedule=falling)


RECIPES = {"lapgan_digits": Recipe(digits_lapgan, train_digits, "LAPGAN of digits")}
