"""Song et al. 2021, "Score-Based Generative Modeling through Stochastic Differential Equations":
noise that grows in continuous time, and the SDE and the ODE that take it away again.

Time t runs from 0, the data, to 1, noise. Near t = 0 the score has no bound, so one stops a little
before (Appendix C). A score is a function s(x, t), (batch, …) and (batch,) → (batch, …).
"""
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.core import GenerativeModel, noise_like, sampling
from course_lib.diffusion.vp_sde import VPSDE
from course_lib.ebm.ncsn import column
from course_lib.likelihood.divergence import (
    hutchinson,
    rademacher_like,
    solve,
    standard_normal,
)


def matching_loss(score: Callable, sde: VPSDE, x_0: Tensor, t: Tensor, z: Tensor,
                  weight: Tensor | float = 1.0) -> Tensor:
    """mean of λ(t) ‖s(x(t), t) − ∇ log p(x(t) | x(0))‖²    Song et al. 2021, eq. 7

    With x(t) = α x_0 + σ z the gradient is −z/σ. weight: λ/σ², (batch,), 1 in the paper. As a mean
    over images and pixels (the paper: a sum). x_0, z: (batch, …); t: (batch,).
    """
    alpha, sigma, weight = (column(v, x_0) for v in (*sde.kernel(t), torch.as_tensor(weight)))
    x_t = alpha * x_0 + sigma * z
    return (weight * (sigma * score(x_t, t) + z)**2).mean()


def reverse_sde(score: Callable, sde: VPSDE, x: Tensor, times: Tensor, *,
                generator: torch.Generator | None = None) -> Tensor:
    """dx = [−½β x − β s(x, t)] dt + √β dw̄, from t = 1 down    Song et al. 2021, eq. 6

    By Euler and Maruyama, from each time to the next. x: (batch, …) at times[0]; times: (n + 1,).
    """
    for t, after in zip(times[:-1].to(x), times[1:].to(x)):
        beta, dt = sde.beta(t), after - t
        drift = -0.5 * beta * x - beta * score(x, t.expand(len(x)))
        x = x + drift * dt + (beta * -dt).sqrt() * noise_like(x, generator)
    return x


def probability_flow(score: Callable, sde: VPSDE) -> Callable:
    """f̃(x, t) = −½β(t) [x + s(x, t)], the ODE with the SDE's marginals    Song et al. 2021, eq. 13

    Returns a function of x, (batch, …), and t, a scalar.
    """
    return lambda x, t: -0.5 * sde.beta(t) * (x + score(x, t.expand(len(x))))


class ScoreSDE(GenerativeModel):
    """A density of points or arrays, with a network that predicts z: s(x, t) = −net(x, 1000 t)/σ(t)
    Song et al. 2021, Section 3.3

    net(x, t, y): (batch, …) → (batch, …), as a `DDPM` takes it; shape: of one sample. before: a
    fixed bijection of data, or None. nfe: how often the score was evaluated by the last solve.
    """

    first, last = 1e-3, 1e-5       # where samples end and densities begin, Appendix C: t > 0

    def __init__(self, net: nn.Module, shape: tuple[int, ...], *, sde: VPSDE | None = None,
                 before: nn.Module | None = None, tolerance: float = 1e-5):
        super().__init__()
        self.net, self.shape, self.sde, self.before = net, tuple(shape), sde or VPSDE(), before
        self.tolerance, self.nfe = tolerance, 0

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """s_θ(x, t), (batch, …)    Song et al. 2021, eq. 7"""
        return -self.net(x, 1000 * t, None) / column(self.sde.kernel(t)[1], x)

    def draw(self, x_0: Tensor) -> tuple[Tensor, Tensor]:
        """t ~ U(10⁻⁵, 1) for each, stratified, and z ~ N(0, I)    Song et al. 2021, eq. 7"""
        share = (torch.randperm(len(x_0)) + torch.rand(len(x_0))) / len(x_0)
        return self.last + (1 - self.last) * share.to(x_0), torch.randn_like(x_0)

    def loss(self, x: Tensor, player: str) -> Tensor:
        """`matching_loss` at random times    Song et al. 2021, eq. 7"""
        x_0 = x if self.before is None else self.before(x)[0]
        return matching_loss(self, self.sde, x_0, *self.draw(x_0))

    def flow(self, x: Tensor, times, *, divergence: Callable | None = None,
             method: str = "dopri5") -> tuple[Tensor, Tensor]:
        """x at the last time, and ∫∇·f̃ dt, as `solve` has it    Song et al. 2021, eq. 13"""
        x, integral, self.nfe = solve(
            probability_flow(self, self.sde), x, torch.as_tensor(times), divergence=divergence,
            method=method, tolerance=self.tolerance)
        return x, integral

    def log_prob_estimate(self, x: Tensor, generator: torch.Generator | None = None, *,
                          divergence: Callable | None = None) -> Tensor:
        """log p_0(x) = log p_1(x(1)) + ∫_0^1 ∇·f̃ dt, with eᵀ∇f̃e    Song et al. 2021, eqs. 39, 40

        Nats, (batch,). divergence: `exact`, for few dimensions; Hutchinson's unless given.
        """
        x, log_det = (x, x.new_zeros(len(x))) if self.before is None else self.before(x)
        divergence = divergence or hutchinson(rademacher_like(x, generator))
        z, integral = self.flow(x, [self.last, 1.0], divergence=divergence)
        return standard_normal(z) + integral + log_det

    def denoised(self, x: Tensor) -> Tensor:
        """E[x_0 | x(t)] = (x + σ² s(x, t))/α at t = `first`, as data    Robbins 1956; Efron 2011"""
        t = x.new_full((len(x),), self.first)
        alpha, sigma = (column(values, x) for values in self.sde.kernel(t))
        x = (x + sigma**2 * self(x, t)) / alpha
        return x if self.before is None else self.before.inverse(x)

    @sampling
    def sample(self, n: int, *, y=None, steps: int = 19,
               generator: torch.Generator | None = None) -> Tensor:
        """By the ODE, then `denoised`    Song et al. 2021, eq. 13

        steps: of the midpoint method, two evaluations each. Errors: ValueError for a class y.
        """
        if y is not None:
            raise ValueError("This model is unconditional: it takes no class y.")
        x = torch.randn(n, *self.shape, generator=generator).to(self.device)
        x, _ = self.flow(x, self.sde.grid(self.first, steps), method="midpoint")
        return self.denoised(x)

    @sampling
    def sample_sde(self, n: int, *, steps: int = 100,
                   generator: torch.Generator | None = None) -> Tensor:
        """By the SDE, an evaluation a step, then `denoised`    Song et al. 2021, eq. 6"""
        x = torch.randn(n, *self.shape, generator=generator).to(self.device)
        times = self.sde.grid(self.first, steps)
        return self.denoised(reverse_sde(self, self.sde, x, times, generator=generator))
