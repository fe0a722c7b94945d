"""Models of digits in continuous time that ship: a score SDE and a flow of free form (FFJORD)."""
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import History, fit, warmup_cosine
from course_lib.data import batches, digits
from course_lib.diffusion.score_sde import ScoreSDE, column, matching_loss
from course_lib.likelihood.dequantisation import DequantisedEstimate, dequantise
from course_lib.likelihood.ffjord import FFJORD
from course_lib.likelihood.marginals import Marginals
from course_lib.nets import PixelField, PixelUNet
from course_lib.optim import Muon
from course_lib.recipes import Recipe


class Levels(nn.Module):
    """z = y/128 − 1, a bijection of levels y in [0, 256)^d    Song et al. 2021, Appendix C"""

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """y: (batch, …) → z, and log |det ∂z/∂y| in nats, (batch,)"""
        return y / 128 - 1, y.new_full((len(y),), -y[0].numel() * math.log(128))

    def inverse(self, z: Tensor) -> Tensor:
        """y = 128 (z + 1)"""
        return 128 * (z + 1)


class OwnLoss(DequantisedEstimate):
    """A density of levels with an estimate, trained by a loss of its own, not by that estimate
    Theis et al. 2016, Section 3.1"""

    def loss(self, x: Tensor, player: str) -> Tensor:
        """The density's loss, of dequantised images    Theis et al. 2016, Section 3.1"""
        return self.model.loss(dequantise(x), player)


class DigitsScore(ScoreSDE):
    """A score SDE whose network predicts v = α z − σ x_0, with λ = σ² max(1, 1/SNR)
    Salimans & Ho 2022, Section 4

    Of x_0 that is the weight max(SNR, 1), "truncated SNR". Times: three in four are uniform in the
    angle arctan σ/α, as the cosine schedule has them; one in four in log SNR from 3 to 13, small
    noise, for likelihoods.
    """

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """s = −ẑ/σ, ẑ = σ x + α v̂    Salimans & Ho 2022, Appendix D"""
        alpha, sigma = self.sde.kernel(t)
        v = self.net(x, alpha, sigma)
        alpha, sigma = column(alpha, x), column(sigma, x)
        return -x - alpha / sigma * v

    def draw(self, x_0: Tensor) -> tuple[Tensor, Tensor]:
        """t, one in each of n equal parts of its law, and z ~ N(0, I)    Song et al. 2021, eq. 7"""
        n = len(x_0)
        u = (torch.randperm(n) + torch.rand(n)) / n
        log_snr = -2 * torch.log(torch.tan(math.pi / 2 * u.clamp(1e-3, 1 - 1e-3)))
        log_snr = torch.where(torch.rand(n) < 0.25, 3 + 10 * u, log_snr)
        t = self.sde.time(nnf.softplus(-log_snr)).clamp(self.last, 1)        # ∫β = −log α²
        return t.to(x_0), torch.randn_like(x_0)

    def loss(self, x: Tensor, player: str) -> Tensor:
        """`matching_loss` with that weight and these times    Salimans & Ho 2022, Section 4"""
        x_0, _ = self.before(x)
        t, z = self.draw(x_0)
        alpha, sigma = self.sde.kernel(t)
        return matching_loss(self, self.sde, x_0, t, z, (sigma / alpha).square().clamp(min=1))


def digits_score_sde(size: int = 28) -> OwnLoss:
    """A score SDE of digits, (batch, 1, size, size)    Song et al. 2021"""
    model = DigitsScore(PixelUNet(), (1, size, size), before=Levels(), tolerance=1e-3)
    return OwnLoss(model).to(memory_format=torch.channels_last)


def train_score_sde(model: OwnLoss, x: Tensor | None = None, *, steps: int | None = 6000,
                    seconds: float | None = None, seed: int = 0, on_step=None) -> History:
    """The run of the table and of the shipped weights    Song et al. 2021, eq. 7

    x: (n, 1, size, size). Rates, batches and averages are those of the diffusion models.
    """
    x = digits().images if x is None else x
    return fit(model, batches(x, size=32), steps=None if seconds else steps, seconds=seconds,
               lr=3e-3, betas=(0.9, 0.99), schedule=warmup_cosine(), clip=1.0, ema=0.998,
               seed=seed, on_step=on_step)


def digits_ffjord(size: int = 28) -> OwnLoss:
    """A flow of free form of digits, (batch, 1, size, size)    Grathwohl et al. 2019

    Before it each pixel's own law is made normal, by `Marginals`, which `train_ffjord` measures:
    f is left with what pixels share, and slopes of order 1. One scale where the paper has several.
    """
    shape = (1, size, size)
    return OwnLoss(FFJORD(PixelField(size), shape, before=Marginals(shape), steps=2, penalty=0.3,
                          kinetic=0.02, tolerance=1e-3))


def train_ffjord(model: OwnLoss, x: Tensor | None = None, *, steps: int | None = 1200,
                 seconds: float | None = None, seed: int = 0, on_step=None) -> History:
    """The run of the table and of the shipped weights    Grathwohl et al. 2019, Section 3.1

    x: (n, 1, size, size). Of single pixels' laws alone 1.64 bits a dimension; the flow does better.
    With penalties of 0.01 and steps of second order, f learns to gain by the errors of its steps:
    the loss falls below what is possible, and the adaptive density is worse than without a flow.
    """
    x = digits().images if x is None else x
    model.model.before.measure((127.5 * (x + 1)).round())
    return fit(model, batches(x, size=32), steps=None if seconds else steps, seconds=seconds,
               lr=3e-3, betas=(0.9, 0.99), schedule=warmup_cosine(), clip=1.0, ema=0.99,
               optimiser=Muon, seed=seed, on_step=on_step)


RECIPES = {
    "score_sde_digits": Recipe(digits_score_sde, train_score_sde,
                               "score SDE of digits, with a likelihood"),
    "ffjord_digits": Recipe(digits_ffjord, train_ffjord, "flow of free form of digits"),
}
