"""The BigGANs that ship, Brock et al. 2019: digits by class, and portraits by attributes."""
import torch
from torch import Tensor

from course_lib.core import History, falling, fit
from course_lib.data import ATTRIBUTES, batches, digits, faces
from course_lib.gan.biggan import BigGAN
from course_lib.gan.matching import MatchingBigGAN
from course_lib.nets import BigD, BigG, BigGDeep, without_spectral_norm
from course_lib.recipes import Recipe


def digits_biggan(size: int = 28) -> BigGAN:
    """A BigGAN of ten classes of digits, (batch, 1, size, size)    Brock et al. 2019, Section 3"""
    return BigGAN(BigG(10, size=size), BigD(10, size=size), torch.eye(10))


def faces_biggan() -> MatchingBigGAN:
    """A BigGAN of portraits by their attributes, (batch, 3, 16, 16)    Brock et al. 2019, Sec. 3

    Departs from the paper: spectral normalisation in D alone (as Miyato et al. 2018), and real
    images with wrong attributes for D: with both, G learns many attributes sooner.
    """
    A = len(ATTRIBUTES)
    G, D = without_spectral_norm(BigGDeep(A)), BigD(A, width=64, channels=3, size=16)
    return MatchingBigGAN(G, D, faces(1000).attributes)


def train_digits(model: BigGAN, x: Tensor | None = None, *, steps: int | None = 1500,
                 seconds: float | None = None, seed: int = 0, ema: float | None = 0.995,
                 lr: float = 2e-3, on_step=None) -> History:
    """The run of the lecture, the benchmark and the shipped weights    Brock et al. 2019, Section 3

    Departs from the paper: batches of 32 and not 2,048, one turn of D for each of G and not two,
    and rates ten and forty times as large, which fall linearly over the second half. x: the digits,
    or these at another size, in their order.
    """
    images, labels = digits()
    x = images if x is None else x
    return fit(model, batches(x, labels, size=32), steps=None if seconds else steps,
               seconds=seconds, lr=lr, betas=(0.0, 0.99), ema=ema, seed=seed, on_step=on_step,
               schedule=falling)


def train_faces(model: BigGAN, *, steps: int = 8000, seed: int = 0, on_step=None) -> History:
    """The run of the lecture and the shipped weights, as `train_digits`    Brock et al. 2019, S. 3

    20,000 portraits.
    """
    images, attributes, _ = faces(20_000, seed=1)
    return fit(model, batches(images, attributes, size=32), steps=steps, lr=2e-3,
               betas=(0.0, 0.99), ema=0.995, seed=seed, on_step=on_step, schedule=falling)


RECIPES = {"biggan_digits": Recipe(digits_biggan, train_digits, "BigGAN of digits by class"),
           "biggan_faces": Recipe(faces_biggan, train_faces, "BigGAN of portraits by attributes")}
