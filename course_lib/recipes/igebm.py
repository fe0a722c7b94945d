"""The energies of digits that ship: of images alone, and a classifier's of images and classes.
"""
from torch import Tensor

from course_lib.core import History, falling, fit
from course_lib.data import batches, digits
from course_lib.ebm.igebm import IGEBM
from course_lib.ebm.jem import JEM
from course_lib.nets import ConvEnergy
from course_lib.recipes import Recipe


def digits_igebm(size: int = 28) -> IGEBM:
    """An energy of digits, (batch, 1, size, size)    Du & Mordatch 2019"""
    return IGEBM(ConvEnergy(1, size=size), (1, size, size))


def digits_jem(size: int = 28) -> JEM:
    """A classifier of digits whose logits are energies    Grathwohl et al. 2020, Section 4"""
    return JEM(ConvEnergy(10, size=size), (1, size, size))


def train_digits(model: IGEBM, x: Tensor | None = None, *, steps: int | None = 3000,
                 seconds: float | None = None, clip: float | None = 0.1, seed: int = 0,
                 on_step=None) -> History:
    """The run of the lecture, the benchmark and the shipped weights    Du & Mordatch 2019

    3 minutes on one core. Adam with β1 = 0, as the paper; a rate ten times as large, which falls
    over the second half; gradients are clipped, weights averaged. Seeds differ: of three, one ends
    with a spurious minimum that holds a fifth of all chains from noise (benchmarks/igebm.py).
    x: the digits, or these at another size, in their order.
    """
    images, labels = digits()
    x = images if x is None else x
    data = batches(x, labels, size=64) if isinstance(model, JEM) else batches(x, size=64)
    return fit(model, data, steps=None if seconds else steps, seconds=seconds, lr=1e-3,
               betas=(0.0, 0.999), schedule=falling, clip=clip, ema=0.995, seed=seed,
               on_step=on_step)


RECIPES = {"igebm_digits": Recipe(digits_igebm, train_digits, "energy of digits"),
           "jem_digits": Recipe(digits_jem, train_digits, "classifier of digits as an energy")}
