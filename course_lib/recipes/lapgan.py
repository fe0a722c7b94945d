"""The LAPGAN of digits that ships: Denton et al. 2015, on 7×7 → 14×14 → 28×28."""
from course_lib.core import History, fit
from course_lib.data import batches, digits
from course_lib.gan.lapgan import LAPGAN
from course_lib.nets import CoarseD, CoarseG, DetailD, DetailG
from course_lib.recipes import Recipe


def digits_lapgan() -> LAPGAN:
    """A LAPGAN of digits, (batch, 1, 28, 28), K = 2    Denton et al. 2015, Section 4.1

    The paper's CIFAR-10 cascade is 8×8 → 14×14 → 28×28.
    """
    return LAPGAN([DetailG(), DetailG(64), CoarseG(64)],
                  [DetailD(28), DetailD(14, 64), CoarseD()], 64)


def train_digits(model: LAPGAN, *, steps: int | None = 2000, seconds: float | None = None,
                 seed: int = 0, on_step=None) -> History:
    """All levels side by side, each a game of its own    Denton et al. 2015, Section 3.1

    Departs from the paper's gradient descent with momentum: Adam, rates and averages as for the GAN
    beside it (course_lib/recipes/gan.py).
    """
    return fit(model, batches(digits().images, size=32), steps=None if seconds else steps,
               seconds=seconds, lr=2e-3, betas=(0.0, 0.99), ema=0.995, seed=seed, on_step=on_step,
               schedule=lambda progress: min(1.0, 2 - 2 * progress))


RECIPES = {"lapgan_digits": Recipe(digits_lapgan, train_digits, "LAPGAN of digits")}
