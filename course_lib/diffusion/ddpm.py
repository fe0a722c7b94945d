"""Ho et al. 2020, "Denoising Diffusion Probabilistic Models" (DDPM): Algorithms 1 and 2.

Where the paper's equations are: 2 in schedule.py; 1, 4, 6, 7 and 9 to 11 in gaussian_chain.py; 3,
5, 8, 12 and 13 in bound.py; 14 here; 15 in parametrisations.py. 16 reads 5 anew and has no code.
"""
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.core import GenerativeModel, noise_like, sampling
from course_lib.diffusion.bound import bound_term, bound_terms
from course_lib.diffusion.denoiser import at_class, check_denoiser, check_images
from course_lib.diffusion.gaussian_chain import q_sample, reverse_mean
from course_lib.diffusion.schedule import NoiseSchedule


def simple_loss(eps_model: Callable, schedule: NoiseSchedule, x_0: Tensor, t: Tensor,
                eps: Tensor) -> Tensor:
    """L_simple = E ‖ε − ε_θ(√ᾱ_t x_0 + √(1 − ᾱ_t) ε, t)‖²    DDPM, eq. 14

    As a mean over images and pixels (the paper: a sum). x_0, eps: (batch, …); t: (batch,).
    """
    x_t = q_sample(schedule, x_0, t, eps)
    eps_hat = eps_model(x_t, schedule.told(t, x_t))
    return (eps - eps_hat).square().mean()


@torch.no_grad()
def ddpm_sample(eps_model: Callable, schedule: NoiseSchedule, x_T: Tensor, *,
                variance: Tensor | None = None, clip: bool = False,
                generator: torch.Generator | None = None) -> Tensor:
    """x_{t−1} = μ_θ(x_t, t) + σ_t z for t = T … 1, with z = 0 at t = 1    DDPM, Algorithm 2

    eps_model(x_t, t): t int64 (batch,), as the network was told it in training. x_T: (batch, …).
    variance: σ_t², (T + 1,); schedule.beta unless given; schedule.posterior_variance is the paper's
    other choice. clip: as for `reverse_mean`.
    Errors: ValueError for x_T not finite, a model or a variance of another T.
    """
    check_denoiser(eps_model, schedule)
    sigma = (schedule.beta if variance is None else variance).sqrt()
    x = check_images(x_T)
    for t in range(schedule.T, 0, -1):
        z = noise_like(x, generator) if t > 1 else torch.zeros_like(x)
        eps = eps_model(x, schedule.told(t, x))
        x = reverse_mean(schedule, eps, x, t, clip) + schedule.at(sigma, t, x) * z
    return x


class DDPM(GenerativeModel):
    """Trained on L_simple, with a network that predicts ε; the model is its own ε_θ(x_t, t)
    DDPM, Algorithms 1 and 2

    net(x_t, t, y): (batch, …) → (batch, …). shape: of one sample, such as (1, 28, 28).
    """

    def __init__(self, net: nn.Module, schedule: NoiseSchedule, shape: tuple[int, ...]):
        super().__init__()
        self.net, self.schedule, self.shape, self.T = net, schedule, shape, schedule.T

    def forward(self, x_t: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        """ε_θ(x_t, t)    DDPM, eq. 11"""
        return self.net(x_t, t, y)

    def draw(self, x_0: Tensor) -> tuple[Tensor, Tensor]:
        """t for each image, and ε ~ N(0, I)    DDPM, Algorithm 1, lines 3 and 4"""
        return self.schedule.draw(len(x_0)).to(x_0.device), torch.randn_like(x_0)

    def loss(self, x_0: Tensor, player: str) -> Tensor:
        """L_simple at random times    DDPM, Algorithm 1, line 5"""
        t, eps = self.draw(x_0)
        return simple_loss(self, self.schedule, x_0, t, eps)

    @sampling
    def sample(self, n: int, *, y=None, steps: int | None = None,
               generator: torch.Generator | None = None) -> Tensor:
        """Algorithm 2 with σ_t² = β̃_t, x_0 clipped    DDPM, Algorithm 2

        steps: how many of the T times; all unless given.
        Errors: ValueError for a class y that it does not know, or steps outside 1 … T.
        """
        schedule = self.schedule.respace(self.T if steps is None else steps)
        x_T = torch.randn(n, *self.shape, generator=generator).to(self.device)
        return ddpm_sample(at_class(self, y), schedule, x_T, variance=schedule.posterior_variance,
                           clip=True, generator=generator)

    def elbo(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """−L_vlb ≤ log p_θ(x), one draw of ε for each of the T terms    DDPM, eqs. 3 and 5

        Nats an image, (batch,).
        """
        with self.averaged():
            return -bound_terms(self, self.schedule, x, generator=generator).sum(0)


class BoundDDPM(DDPM):
    """The same network and chain, trained on L_vlb itself    DDPM, eq. 5 and Table 2"""

    def loss(self, x_0: Tensor, player: str) -> Tensor:
        """T times a term at random, nats a dimension    DDPM, eq. 5, without L_T"""
        t, eps = self.draw(x_0)
        return self.T * bound_term(self, self.schedule, x_0, t, eps).mean() / x_0[0].numel()
