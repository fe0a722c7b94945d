"""The energies of digits that ship: of images alone, and a classifier's of images and classes.
"""
from course_lib.core import History, falling, fit
from course_lib.data import batches, digits
from course_lib.ebm.igebm import IGEBM
from course_lib.ebm.jem import JEM
from course_lib.nets import ConvEnergy
from course_lib.recipes import Recipe


def digits_igebm() -> IGEBM:
    """An energy of digits, (batch, 1, 28, 28)    Du & Mordatch 2019"""
    return IGEBM(ConvEnergy(1), (1, 28, 28))


def digits_jem() -> JEM:
    """A classifier of digits whose logits are energies    Grathwohl et al. 2020, Section 4"""
    return JEM(ConvEnergy(10), (1, 28, 28))


def train_digits(model: IGEBM, *, steps: int | None = 3000, seconds: float | None = None,
                 clip: float | None = 0.1, seed: int = 0, on_step=None) -> History:
    """The run of the lecture, the benchmark and the shipped weights    Du & Mordatch 2019

    3 minutes on one core. Adam with β1 = 0, as the paper; a rate ten times as large, which falls
    over the second half; gradients are clipped, weights averaged. Seeds differ: of three, one ends
    with a spurious minimum that holds a fifth of all chains from noise (benchmarks/igebm.py).
    """
    real = digits()
    data = batches(*(real if isinstance(model, JEM) else real[:1]), size=64)
    return fit(model, data, steps=None if seconds else steps, seconds=seconds, lr=1e-3,
               betas=(0.0, 0.999), schedule=falling, clip=clip, ema=0.995, seed=seed,
               on_step=on_step)


RECIPES = {"igebm_digits": Recipe(digits_igebm, train_digits, "energy of digits"),
           "jem_digits": Recipe(digits_jem, train_digits, "classifier of digits as an energy")}
