"""The VAE and the VQ-VAE of digits that ship: Kingma & Welling 2014; van den Oord et al. 2017."""
import torch
from torch import Tensor, nn

from course_lib.core import History, fit, warmup_cosine
from course_lib.data import batches, digits
from course_lib.likelihood.vae import VAE
from course_lib.likelihood.vqvae import VQVAE
from course_lib.nets import GatedPixelCNN, GridDecoder, GridEncoder, VectorDecoder, VectorEncoder
from course_lib.optim import Muon
from course_lib.recipes import Recipe


def digits_vae(size: int = 28) -> VAE:
    """A VAE of digits, (batch, 1, size, size), with 16 latent variables    VAE, Section 3"""
    model = VAE(VectorEncoder(2 * 16, size), VectorDecoder(16, size), 16)
    return model.to(memory_format=torch.channels_last)   # the same numbers, and faster on a CPU


def digits_vqvae(size: int = 28) -> VQVAE:
    """A VQ-VAE of digits, (batch, 1, size, size): one of 64 codes for each 4×4 pixels
    VQ-VAE, Section 4.1

    Departs from the paper: what the encoder gives is normalised, so that the codes' scale is 1.
    """
    K, D = 64, 16
    encoder = nn.Sequential(GridEncoder(D), nn.BatchNorm2d(D, affine=False))
    prior = GatedPixelCNN(16, K, 48, 3, first=5)
    model = VQVAE(encoder, GridDecoder(D), prior, K, D, (size // 4, size // 4))
    return model.to(memory_format=torch.channels_last)


def train_vae(model: VAE, x: Tensor | None = None, *, steps: int | None = 3000,
              seconds: float | None = None, seed: int = 0, on_step=None) -> History:
    """The run of the lecture, the benchmark and the shipped weights    VAE, Algorithm 1

    x: (n, 1, size, size), the digits of MNIST unless given. Departs from the paper: Adam in place
    of Adagrad; the rate is warmed up and cooled down; the weights are averaged.
    """
    data = batches(digits().images if x is None else x, size=64)
    return fit(model, data, steps=None if seconds else steps, seconds=seconds, lr=3e-3,
               betas=(0.9, 0.99), schedule=warmup_cosine(), ema=0.998, seed=seed, on_step=on_step)


def train_vqvae(model: VQVAE, x: Tensor | None = None, *, steps: int | None = 2000,
                seconds: float | None = None, seed: int = 0, on_step=None) -> History:
    """The run of the lecture, the benchmark and the shipped weights    VQ-VAE, Section 4

    As `train_vae`. Departs from the paper: autoencoder and prior are trained in turns, not one
    after the other; Muon in place of Adam.
    """
    data = batches(digits().images if x is None else x, size=64)
    return fit(model, data, steps=None if seconds else steps, seconds=seconds, lr=3e-3,
               betas=(0.9, 0.99), schedule=warmup_cosine(), ema=0.998, optimiser=Muon, seed=seed,
               on_step=on_step)


RECIPES = {"vae_digits": Recipe(digits_vae, train_vae, "VAE of digits"),
           "vqvae_digits": Recipe(digits_vqvae, train_vqvae, "VQ-VAE of digits")}
