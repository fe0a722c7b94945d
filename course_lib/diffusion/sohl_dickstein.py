"""Sohl-Dickstein et al. 2015, "Deep Unsupervised Learning using Nonequilibrium Thermodynamics": the first diffusion model.

A forward chain destroys the data in T small Gaussian steps; a network learns mean *and variance* of each step back, on
the bound itself, in nats. Five years later DDPM fixed the variance and re-weighted the bound.
"""
import math

import torch
from torch import Tensor, nn

from course_lib.core import GenerativeModel, sampling
from course_lib.diffusion.ddpm import gaussian_kl, posterior_mean, prior_term, q_sample, x_0_from_v
from course_lib.diffusion.schedule import NoiseSchedule


def forward_chain(schedule: NoiseSchedule, x_0: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """x_t = √(1 − β_t) x_{t−1} + √β_t z, step by step    Sohl-Dickstein et al. 2015, Table App.1

    x_0: (batch, …). Returns x_0 … x_T, (T + 1, batch, …).
    """
    path = [x_0]
    for beta in schedule.beta[1:].tolist():
        z = torch.randn(x_0.shape, generator=generator, dtype=x_0.dtype).to(x_0.device)
        path.append(math.sqrt(1 - beta) * path[-1] + math.sqrt(beta) * z)
    return torch.stack(path)


class ReverseChain(GenerativeModel):
    """p(x_{t−1} | x_t) = N(f_μ, f_Σ), functions of x_t and t    Sohl-Dickstein et al. 2015, eqs. 4 to 6 and Table App.1

    net(x_t, t): (batch, …) → twice the channels. Half of them give the mean, as q's posterior mean of a predicted x_0, which
    is √ᾱ_t x_t − √(1 − ᾱ_t) times the output; the other half lay the log-variance between those of β̃_t and β_t, which the
    step back has where the data are one point or white noise    (the paper lets f_μ and f_Σ be free, between 0 and 1)
    """

    def __init__(self, net: nn.Module, schedule: NoiseSchedule, shape: tuple[int, ...] = (2,)):
        super().__init__()
        self.net, self.schedule, self.shape = net, schedule, shape
        least = schedule.posterior_variance.clone()
        least[:2] = (least[2] if schedule.T > 1 else schedule.beta[1]) / 4       # at t = 1 only the data bound it
        self.log_range = torch.stack([least.log(), schedule.beta.clamp(min=1e-12).log()])

    def step(self, x_t: Tensor, t: Tensor | int) -> tuple[Tensor, Tensor]:
        """Mean and variance of x_{t−1}, each of x_t's shape    Sohl-Dickstein et al. 2015, Table App.1"""
        times = self.schedule.told(t, x_t)
        v, share = self.net(x_t, times).chunk(2, 1)
        low, high = (self.schedule.at(values, t, x_t) for values in self.log_range)
        mean = posterior_mean(self.schedule, x_0_from_v(self.schedule, v, x_t, t), x_t, t)
        return mean, (low + (high - low) * torch.sigmoid(share)).exp()

    def term(self, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """KL(q(x_{t−1} | x_t, x_0) ‖ p(x_{t−1} | x_t)) for t ≥ 2, −log p(x_0 | x_1) for t = 1    Sohl-Dickstein et al. 2015, eq. 14

        Departs from it at t = 1, where the paper fixes p and counts nothing. Nats an example, (batch,).
        """
        x_t = q_sample(self.schedule, x_0, t, eps)
        mean, var = self.step(x_t, t)
        var_q = self.schedule.at(self.schedule.posterior_variance.clamp(min=1e-12), t, x_t)
        kl = gaussian_kl(posterior_mean(self.schedule, x_0, x_t, t), var_q, mean, var)
        nll = 0.5 * ((x_0 - mean) ** 2 / var + var.log() + math.log(2 * math.pi))
        first = (t == 1).view(-1, *[1] * (x_0.ndim - 1))
        return torch.where(first, nll, kl).flatten(1).sum(1)

    def loss(self, x_0: Tensor, player: str) -> Tensor:
        """T times a term at random, without L_T, which has no parameters    Sohl-Dickstein et al. 2015, eq. 14; nats an example"""
        t = self.schedule.draw(len(x_0)).to(x_0.device)
        return self.schedule.T * self.term(x_0, t, torch.randn_like(x_0)).mean()

    @torch.no_grad()
    def elbo(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """K ≤ log p(x_0), one draw of x_t a term    Sohl-Dickstein et al. 2015, eq. 10; nats an example, (batch,)"""
        with self.averaged():
            terms = [self.term(x, torch.full((len(x),), t, device=x.device), torch.randn(x.shape, generator=generator).to(x))
                     for t in range(1, self.schedule.T + 1)]
        return -torch.stack(terms).sum(0) - prior_term(self.schedule, x)

    @sampling
    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None) -> Tensor:
        """x_T ~ N(0, I), then x_{t−1} ~ p(x_{t−1} | x_t); the last step gives its mean    Sohl-Dickstein et al. 2015, Section 2.2

        Errors: ValueError for a class y, which it does not know.
        """
        if y is not None:
            raise ValueError("This chain is unconditional: it takes no class y.")
        return self.path(torch.randn(n, *self.shape, generator=generator).to(self.device), generator=generator)[-1]

    @torch.no_grad()
    def path(self, x_T: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """x_T, x_{T−1}, …, x_0 of the reverse chain, (T + 1, batch, …)    Sohl-Dickstein et al. 2015, Section 2.2"""
        path = [x_T]
        for t in range(self.schedule.T, 0, -1):
            mean, var = self.step(path[-1], t)
            z = torch.randn(x_T.shape, generator=generator).to(x_T)
            path.append(mean + var.sqrt() * z if t > 1 else mean)
        return torch.stack(path)
