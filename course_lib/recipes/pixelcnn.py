"""The gated PixelCNN of digits that ships."""
import torch
from torch import Tensor

from course_lib.core import History, fit, warmup_cosine
from course_lib.data import batches, digits
from course_lib.likelihood.pixelcnn import PixelCNN
from course_lib.nets import GatedPixelCNN
from course_lib.optim import Muon
from course_lib.recipes import Recipe


def digits_pixelcnn(size: int = 28) -> PixelCNN:
    """A density of 8-bit digits, (batch, 1, size, size)    van den Oord et al. 2016b, Section 2

    Its kernels reach 15 rows up. With 3×3 ones, and a width of 32 at the same cost, they reach 8:
    fewer bits, yet digits whose parts do not belong together.
    """
    net = GatedPixelCNN(1, 256, width=24, layers=6, first=11, kernel=5)
    model = PixelCNN(net, (1, size, size))
    return model.to(memory_format=torch.channels_last)   # the same numbers, and faster on a CPU


def train_digits(model: PixelCNN, x: Tensor | None = None, *, steps: int | None = 2000,
                 seconds: float | None = None, seed: int = 0, on_step=None) -> History:
    """The run of the lecture, the table and the shipped weights    van den Oord et al. 2016b

    x: 8-bit images of the model's shape; MNIST's digits unless given. Departs from the paper: Muon,
    which gets further in few steps, a rate warmed up and cooled down, weights averaged.
    """
    data = batches(digits().images if x is None else x, size=8)
    return fit(model, data, steps=None if seconds else steps, seconds=seconds, lr=3e-3,
               betas=(0.9, 0.99), schedule=warmup_cosine(), clip=1.0, ema=0.99, optimiser=Muon,
               seed=seed, on_step=on_step)


RECIPES = {"pixelcnn_digits": Recipe(digits_pixelcnn, train_digits,
                                     "gated PixelCNN, a density of digits pixel by pixel")}
