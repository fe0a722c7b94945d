"""The score network of digits that ships: the diffusion models' U-Net, told an amount of noise."""
import torch
from torch import Tensor

from course_lib.core import History, fit, warmup_cosine
from course_lib.data import batches, digits
from course_lib.ebm.ncsn import NCSN, column, geometric
from course_lib.nets import UNet
from course_lib.recipes import Recipe


class DigitsNCSN(NCSN):
    """An NCSN whose network predicts x_0, with the weight clamp(1/σ², 1, 5)
    Salimans & Ho 2022, Section 4; Hang et al. 2023

    The loss of the diffusion models of digits, for 1/σ² is their SNR.
    """

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """s = (x̂_0 − x)/σ², for E[x_0 | x] = x + σ² ∇ log q_σ(x)    Efron 2011"""
        return (self.told(x, sigma) - x) / column(sigma, x)**2

    def loss(self, x_0: Tensor, player: str) -> Tensor:
        """mean clamp(1/σ², 1, 5) (x_0 − x̂_0)²    Salimans & Ho 2022, Section 4"""
        sigma, z = self.draw(x_0)
        at = column(sigma, x_0)
        x_hat = self.told(x_0 + at * z, sigma)
        return ((1 / at**2).clamp(1, 5) * (x_0 - x_hat)**2).mean()

    def sample(self, n: int, *, y=None, steps: int = 1, rate: float = 0.7,
               generator: torch.Generator | None = None) -> Tensor:
        """As `NCSN.sample`, with one long step for each of many levels
        Song & Ermon 2019, Algorithm 1"""
        return super().sample(n, y=y, steps=steps, rate=rate, generator=generator)


def digits_ncsn(widths: tuple[int, int] = (32, 64), L: int = 100,
                size: int = 28) -> DigitsNCSN:
    """A score network of digits, (batch, 1, size, size)    Song & Ermon 2020

    σ from 10, half of how far digits are apart (from 20, Technique 1, it took more levels to sample
    as well), to 0.05, noise that a last step takes away.
    """
    model = DigitsNCSN(UNet(1, widths), geometric(10, 0.05, L), (1, size, size))
    return model.to(memory_format=torch.channels_last)   # the same numbers, and faster on a CPU


def train_ncsn(model: NCSN, x: Tensor | None = None, *, steps: int | None = 4800,
               seconds: float | None = None, seed: int = 0, on_step=None) -> History:
    """The run of the benchmarks and of the shipped weights    Song & Ermon 2019, Section 4.2

    x: (n, 1, H, W), the digits unless given. Rates, batches and averages are those of the diffusion
    models.
    """
    x = digits().images if x is None else x
    return fit(model, batches(x, size=32), steps=None if seconds else steps, seconds=seconds,
               lr=3e-3, betas=(0.9, 0.99), schedule=warmup_cosine(), clip=1.0, ema=0.998, seed=seed,
               on_step=on_step)


RECIPES = {
    "ncsn_digits": Recipe(
        digits_ncsn, lambda model: train_ncsn(model, digits().images),
        "score network of digits, for annealed Langevin"),
}
