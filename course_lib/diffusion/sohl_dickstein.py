"""Sohl-Dickstein et al. 2015, "Deep Unsupervised Learning using Nonequilibrium Thermodynamics": the
first diffusion model.

A forward chain destroys the data in T small Gaussian steps; a network learns mean *and variance* of
each step back, on the bound itself, in nats. Five years later DDPM fixed the variance and weighted
the bound anew.

Taken from later papers: the mean by way of a predicted x_0 (Ho et al. 2020, DDPM), which comes from
an output v (Salimans & Ho 2022); the variance between β̃_t and β_t (Nichol & Dhariwal 2021, eq. 15);
a term for t = 1 (DDPM, eq. 5).
"""
import math

import torch
from torch import Tensor, nn

from course_lib.core import GenerativeModel, noise_like, sampling
from course_lib.diffusion.bound import gaussian_kl, prior_term
from course_lib.diffusion.gaussian_chain import posterior_mean, q_sample
from course_lib.diffusion.parametrisations import x_0_from_v
from course_lib.diffusion.schedule import NoiseSchedule


def forward_chain(schedule: NoiseSchedule, x_0: Tensor, *,
                  generator: torch.Generator | None = None) -> Tensor:
    """x_t = √(1 − β_t) x_{t−1} + √β_t z, step by step    Sohl-Dickstein et al. 2015, Table App.1

    x_0: (batch, …). Returns x_0 … x_T, (T + 1, batch, …).
    """
    path = [x_0]
    for t in range(1, schedule.T + 1):
        z = noise_like(x_0, generator)
        signal = schedule.at((1 - schedule.beta).sqrt(), t, x_0) * path[-1]
        path.append(signal + schedule.at(schedule.beta.sqrt(), t, x_0) * z)
    return torch.stack(path)


class ReverseChain(GenerativeModel):
    """p(x_{t−1} | x_t) = N(f_μ, f_Σ), of x_t and t    Sohl-Dickstein et al. 2015, eqs. 4 to 6

    net(x_t, t): (batch, …) → twice the channels. Half of them give the mean, as q's posterior mean
    of a predicted x_0, which is √ᾱ_t x_t − √(1 − ᾱ_t) times the output; the other half lay the
    log-variance between those of β̃_t and β_t, which the step back has where the data are one point
    or white noise (in the paper's Table App.1 f_μ and f_Σ are free, between 0 and 1).
    """

    def __init__(self, net: nn.Module, schedule: NoiseSchedule, shape: tuple[int, ...] = (2,)):
        super().__init__()
        self.net, self.schedule, self.shape = net, schedule, shape
        least = schedule.posterior_variance          # at t = 1 it is 0, and only the data bound it
        least[:2] = (least[2] if schedule.T > 1 else schedule.beta[1]) / 4
        self.log_range = torch.stack([least.log(), schedule.beta.clamp(min=1e-12).log()])

    def step(self, x_t: Tensor, t: Tensor | int) -> tuple[Tensor, Tensor]:
        """Mean and variance of x_{t−1}, of x_t's shape    Sohl-Dickstein et al. 2015, eq. 4"""
        v, share = self.net(x_t, self.schedule.told(t, x_t)).chunk(2, 1)
        low, high = (self.schedule.at(values, t, x_t) for values in self.log_range)
        x_0 = x_0_from_v(self.schedule, v, x_t, t)
        log_var = low + (high - low) * torch.sigmoid(share)
        return posterior_mean(self.schedule, x_0, x_t, t), log_var.exp()

    def term(self, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """KL(q(x_{t−1} | x_t, x_0) ‖ p(x_{t−1} | x_t)), t ≥ 2    Sohl-Dickstein et al. 2015, eq. 14

        Departs from it at t = 1, where the paper fixes p and counts nothing: −log p(x_0 | x_1).
        Nats an example, (batch,).
        """
        x_t = q_sample(self.schedule, x_0, t, eps)
        mean, var = self.step(x_t, t)
        mean_q = posterior_mean(self.schedule, x_0, x_t, t)
        var_q = self.schedule.at(self.schedule.posterior_variance.clamp(min=1e-12), t, x_t)
        kl = gaussian_kl(mean_q, var_q, mean, var)
        nll = 0.5 * ((x_0 - mean) ** 2 / var + var.log() + math.log(2 * math.pi))
        return torch.where(t == 1, nll.flatten(1).sum(1), kl.flatten(1).sum(1))

    def loss(self, x_0: Tensor, player: str) -> Tensor:
        """T times a term at random, nats an example    Sohl-Dickstein et al. 2015, eq. 14

        Without L_T, which has no parameters.
        """
        t = self.schedule.draw(len(x_0)).to(x_0.device)
        return self.schedule.T * self.term(x_0, t, torch.randn_like(x_0)).mean()

    @torch.no_grad()
    def elbo(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """K ≤ log p(x_0), one draw of x_t a term    Sohl-Dickstein et al. 2015, eq. 10

        Nats an example, (batch,).
        """
        terms = []
        with self.averaged():
            for t in range(1, self.schedule.T + 1):
                times = torch.full((len(x),), t, device=x.device)
                terms.append(self.term(x, times, noise_like(x, generator)))
        return -torch.stack(terms).sum(0) - prior_term(self.schedule, x)

    @sampling
    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None) -> Tensor:
        """x_T ~ N(0, I), then x_{t−1} ~ p(x_{t−1} | x_t)    Sohl-Dickstein et al. 2015, Section 2.2

        The last step gives its mean. Errors: ValueError for a class y, which it does not know.
        """
        if y is not None:
            raise ValueError("This chain is unconditional: it takes no class y.")
        x_T = torch.randn(n, *self.shape, generator=generator).to(self.device)
        return self.path(x_T, generator=generator)[-1]

    @torch.no_grad()
    def path(self, x_T: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """x_T, x_{T−1}, …, x_0 of the reverse chain    Sohl-Dickstein et al. 2015, Section 2.2

        (T + 1, batch, …). The last step gives its mean.
        """
        path = [x_T]
        for t in range(self.schedule.T, 0, -1):
            z = noise_like(x_T, generator) if t > 1 else torch.zeros_like(x_T)
            mean, var = self.step(path[-1], t)
            path.append(mean + var.sqrt() * z)
        return torch.stack(path)
