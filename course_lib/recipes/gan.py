"""The GANs of digits that ship: of perceptrons, plain and conditional, and of convolutions."""
import torch
from torch import Tensor, nn

from course_lib.core import History, falling, fit
from course_lib.data import batches, digits
from course_lib.gan.conditional import ConditionalGAN
from course_lib.gan.gan import GAN
from course_lib.nets import ConditionalD, ConditionalG, ConvD, ConvG, MaxoutD, PerceptronG
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


def vanilla_gan() -> GAN:
    """A GAN of perceptrons, of digits (batch, 1, 28, 28)    Goodfellow et al. 2014, Section 5"""
    return GAN(PerceptronG(), MaxoutD(), 100)


def conditional_gan() -> ConditionalGAN:
    """A GAN of perceptrons, of digits by class    Mirza & Osindero 2014, Section 4.1"""
    return ConditionalGAN(ConditionalG(), ConditionalD(), 100, 10)


@torch.no_grad()
def start_at_mean(pixels: nn.Linear, x: Tensor) -> None:
    """σ(b) = the mean image, as in the authors' code    Goodfellow et al. 2014, Section 5

    pixels: the layer before the sigmoid; x: images in [-1, 1].
    """
    mean = (x.mean(0).flatten() + 1) / 2
    pixels.bias.copy_(mean.clamp(1e-3, 1 - 1e-3).logit())


PERCEPTRONS = {"lr": {"D": 1e-3, "G": 2e-3}, "betas": (0.0, 0.99), "ema": 0.998,
               "schedule": falling}           # how both GANs of perceptrons are trained


def train_vanilla(model: GAN, *, steps: int = 6000, seed: int = 0, on_step=None) -> History:
    """The run of the lecture, the benchmark and the shipped weights    Goodfellow et al. 2014, S. 5

    A minute on one core. Departs from the paper: Adam, twice as fast for G, in place of
    momentum; rates that fall linearly over the second half; averaged weights.
    """
    x = digits().images
    start_at_mean(model.G.net[-3], x)
    return fit(model, batches(x, size=32), steps=steps, seed=seed, on_step=on_step, **PERCEPTRONS)


def train_conditional(model: ConditionalGAN, *, steps: int = 6000, seed: int = 0,
                      on_step=None) -> History:
    """The run of the lecture and the shipped weights, as `train_vanilla`    Mirza & Osindero 2014
    """
    x, y = digits()
    start_at_mean(model.G.both[-3], x)
    return fit(model, batches(x, y, size=32), steps=steps, seed=seed, on_step=on_step,
               **PERCEPTRONS)


RECIPES = {"gan_digits": Recipe(digits_gan, train_digits, "GAN of digits"),
           "vanilla_gan_digits": Recipe(vanilla_gan, train_vanilla, "GAN of perceptrons, digits"),
           "conditional_gan_digits": Recipe(conditional_gan, train_conditional,
                                            "GAN of perceptrons, digits by class")}
