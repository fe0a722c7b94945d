"""The GAN of digits that ships: Goodfellow et al. 2014, with nets of DCGAN, Radford et al. 2016.
"""
from torch import Tensor

from course_lib.core import History, falling, fit
from course_lib.data import batches, digits
from course_lib.gan.gan import GAN
from course_lib.nets import ConvD, ConvG
from course_lib.recipes import Recipe


def digits_gan(size: int = 28) -> GAN:
    """A GAN of digits, (batch, 1, size, size)    DCGAN, Radford et al. 2016, Section 3"""
    return GAN(ConvG(64, size=size), ConvD(size=size), 64)


def train_digits(model: GAN, x: Tensor | None = None, *, steps: int | None = 4000,
                 seconds: float | None = None, seed: int = 0, on_step=None) -> History:
    """The run of the lecture, the benchmark and the shipped weights    DCGAN, Section 4

    3 minutes on one core. Departs from DCGAN: Adam with β1 = 0 in place of 0.5 (as BigGAN, Brock et
    al. 2019, Section 3) and a rate ten times as large, which spectral normalisation bears; the rate
    falls linearly over the second half; the weights are averaged. x: the digits unless given.
    """
    x = digits().images if x is None else x
    return fit(model, batches(x, size=32), steps=None if seconds else steps,
               seconds=seconds, lr=2e-3, betas=(0.0, 0.99), ema=0.995, seed=seed, on_step=on_step,
               schedule=falling)


RECIPES = {"gan_digits": Recipe(digits_gan, train_digits, "GAN of digits")}
