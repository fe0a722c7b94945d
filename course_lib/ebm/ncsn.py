"""Song & Ermon 2019, "Generative Modeling by Estimating Gradients of the Data Distribution": one
network for the scores of the data under many amounts of noise, and Langevin from much to little.

A score is a function s(x, σ), (batch, …) and (batch,) → (batch, …), of x = x_0 + σz.
"""
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.core import GenerativeModel, noise_like, sampling
from course_lib.ebm.langevin import bounded, step
from course_lib.ebm.score_matching import denoising


def geometric(first: float, last: float, L: int) -> Tensor:
    """σ_1 > … > σ_L > 0, σ_i/σ_{i+1} always the same    Song & Ermon 2019, Section 4.1

    Returns (L,), float64. Errors: ValueError for levels that do not fall, or fewer than one.
    """
    if L < 1 or not 0 < last <= first or (L > 1) != (last < first):
        raise ValueError(f"Noise falls from σ_1 to σ_L > 0, in L ≥ 1 levels; got {first}, {last}, "
                         f"{L}.")
    return torch.logspace(math.log10(first), math.log10(last), L, dtype=torch.float64)


def times(sigma: Tensor) -> Tensor:
    """t = 1000 · 2/π · arctan σ: where σ² = (1 − ᾱ)/ᾱ on the cosine schedule ᾱ = cos²(πt/2000)
    Nichol & Dhariwal 2021, eq. 17 with s = 0

    What a network that is made for t = 0 … 1000 is told. (batch,) → (batch,), real numbers.
    """
    return 2000 / math.pi * torch.arctan(sigma)


def column(sigma: Tensor, x: Tensor) -> Tensor:
    """σ of each image, (batch,), in x's dtype, shaped to be multiplied with x: (batch, 1, …)"""
    return sigma.to(x).reshape(-1, *[1] * (x.ndim - 1))


def weighted_loss(score: Callable, x_0: Tensor, sigma: Tensor, z: Tensor) -> Tensor:
    """mean of λ(σ) ‖s(x̃, σ) + (x̃ − x_0)/σ²‖², λ(σ) = σ², x̃ = x_0 + σz    Song & Ermon 2019, eq. 6

    As a mean over images and pixels (the paper: half a sum). That weight makes each level count
    alike: with ε = −σs it is E ‖z − ε‖², DDPM's L_simple. x_0, z: (batch, …); sigma: (batch,).
    """
    x_tilde = x_0 + column(sigma, x_0) * z
    l_sigma = denoising(score(x_tilde, sigma), x_tilde, x_0, sigma)
    return 2 * (sigma**2 * l_sigma).mean() / x_0[0].numel()


@torch.no_grad()
def annealed_langevin(score: Callable, levels: Tensor, x: Tensor, *, epsilon: float, steps: int,
                      generator: torch.Generator | None = None) -> Tensor:
    """x ← x + (α_i/2) s(x, σ_i) + √α_i z, T times for each σ_i, α_i = ε σ_i²/σ_L²
    Song & Ermon 2019, Algorithm 1

    levels: σ_1 … σ_L; x: (batch, …), where the chains start; steps: T; epsilon: α_L. With
    α_i/σ_i² the same, signal and noise of a step are in the same relation at all levels.
    Errors: ValueError for ε not above 0, and where a chain diverges, with its step.
    """
    if not epsilon > 0:
        raise ValueError(f"The step size ε must be above 0, not {epsilon}.")
    levels = levels.tolist()
    for i, sigma in enumerate(levels):
        alpha = epsilon * (sigma / levels[-1])**2
        at = x.new_full((len(x),), sigma)
        for _ in range(steps):
            x = step(x, -score(x, at), alpha, noise_like(x, generator))
        bounded(x, (i + 1) * steps, alpha)
    return x


def denoised(score: Callable, x: Tensor, sigma: float) -> Tensor:
    """E[x_0 | x] = x + σ² ∇ log q_σ(x)    Robbins 1956; Tweedie's formula, Efron 2011

    A last step that takes σ_L's noise away (Jolicoeur-Martineau et al. 2021).
    """
    return x + sigma**2 * score(x, x.new_full((len(x),), sigma))


class NCSN(GenerativeModel):
    """A network for all levels, s_θ(x, σ) = −ε_θ(x/√(1 + σ²), t(σ))/σ    Song & Ermon 2019

    net(x, t, y): (batch, …) → (batch, …), as a `DDPM` takes it. To divide by σ is Technique 3 of
    Song & Ermon 2020; by √(1 + σ²), so that large noise makes no large inputs, DDPM's √ᾱ.
    levels: σ_1 … σ_L; shape: of one sample.
    """

    def __init__(self, net: nn.Module, levels: Tensor, shape: tuple[int, ...]):
        super().__init__()
        self.net, self.levels, self.shape = net, levels, tuple(shape)

    def told(self, x: Tensor, sigma: Tensor) -> Tensor:
        """net(x/√(1 + σ²), t(σ)), (batch, …)    x/√(1 + σ²) is x_t of DDPM, eq. 4"""
        return self.net(x / (1 + column(sigma, x)**2).sqrt(), times(sigma).to(x), None)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """s_θ(x, σ), (batch, …)    Song & Ermon 2019, eq. 5"""
        return -self.told(x, sigma) / column(sigma, x)

    def draw(self, x_0: Tensor) -> tuple[Tensor, Tensor]:
        """σ for each image, each level as likely, and z ~ N(0, I)    Song & Ermon 2019, eq. 6

        Stratified, as `NoiseSchedule.draw`.
        """
        n, L = len(x_0), len(self.levels)
        which = ((torch.randperm(n) + torch.rand(n)) / n * L).long().clamp(max=L - 1)
        return self.levels[which].to(x_0), torch.randn_like(x_0)

    def loss(self, x_0: Tensor, player: str) -> Tensor:
        """`weighted_loss` at random levels    Song & Ermon 2019, eq. 6"""
        return weighted_loss(self, x_0, *self.draw(x_0))

    @sampling
    def sample(self, n: int, *, y=None, steps: int = 5, rate: float = 0.2,
               generator: torch.Generator | None = None) -> Tensor:
        """Annealed Langevin from N(0, σ_1² I), then `denoised`    Song & Ermon 2019, Algorithm 1

        steps: T, of each level; rate: α_i/σ_i², 0.2 in the paper (ε = 2·10⁻⁵, σ_L = 0.01).
        Errors: ValueError for a class y, which it does not know, and where a chain diverges.
        """
        if y is not None:
            raise ValueError("This model is unconditional: it takes no class y.")
        first, last = self.levels[0].item(), self.levels[-1].item()
        x = first * torch.randn(n, *self.shape, generator=generator).to(self.device)
        x = annealed_langevin(self, self.levels, x, epsilon=rate * last**2, steps=steps,
                              generator=generator)
        return denoised(self, x, last)
