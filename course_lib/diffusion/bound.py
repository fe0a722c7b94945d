"""Ho et al. 2020 (DDPM), Sections 2 and 3: the variational bound, term by term, in nats.

−log p_θ(x_0) ≤ E_q[−log p(x_T) − Σ_t log p_θ(x_{t−1} | x_t) / q(x_t | x_{t−1})] = L_vlb
(DDPM, eq. 3), and L_vlb = E_q[L_T + … + L_1 + L_0] (DDPM, eq. 5). Here are these terms; L_0 is that
of 8-bit data.
"""
import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.core import noise_like
from course_lib.diffusion.denoiser import check_denoiser
from course_lib.diffusion.gaussian_chain import posterior_mean, q_sample, reverse_mean
from course_lib.diffusion.schedule import NoiseSchedule


def gaussian_kl(mean_1: Tensor, var_1: Tensor, mean_2: Tensor, var_2: Tensor) -> Tensor:
    """KL(N(μ₁, σ₁²) ‖ N(μ₂, σ₂²)) = ½ (log σ₂²/σ₁² + (σ₁² + (μ₁ − μ₂)²)/σ₂² − 1)
    Kingma & Welling 2014, Appendix B, where the second is N(0, 1)

    Per dimension, in nats. Means and variances broadcast.
    """
    return 0.5 * (var_2.log() - var_1.log() + (var_1 + (mean_1 - mean_2) ** 2) / var_2 - 1)


def decoder_log_prob(x_0: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    """log ∫ N(x; μ, σ²) dx over x_0 ± 1/255, open to −∞ at −1 and to ∞ at 1    DDPM, eq. 13

    x_0: 8-bit values mapped to [−1, 1]; nats per dimension, of x_0's shape.
    """
    upper, lower = ((x_0 - mean + side / 255) / var.sqrt() for side in (1, -1))
    upper = upper.masked_fill(x_0 > 0.999, math.inf)
    lower = lower.masked_fill(x_0 < -0.999, -math.inf)
    flip = lower > 0                          # both in the right tail: the left one rounds to no 1
    upper, lower = torch.where(flip, -lower, upper), torch.where(flip, -upper, lower)
    cdf = lambda u: 0.5 * torch.erfc(-u / math.sqrt(2))          # precise in the left tail
    return (cdf(upper) - cdf(lower)).clamp(min=1e-30).log()


def bound_term(eps_model: Callable, schedule: NoiseSchedule, x_0: Tensor, t: Tensor,
               eps: Tensor) -> Tensor:
    """L_{t−1} = KL(q(x_{t−1} | x_t, x_0) ‖ p_θ(x_{t−1} | x_t)) for t ≥ 2, and
    L_0 = −log p_θ(x_0 | x_1)    DDPM, eq. 5

    The model's variance is σ_t² = β̃_t, and at t = 1, where that is 0, β̃_2. So for t ≥ 2 the KL is
    ‖μ̃_t − μ_θ‖² / 2σ_t² (DDPM, eq. 8), or β_t² / (2σ_t² α_t (1 − ᾱ_t)) ‖ε − ε_θ‖² (DDPM, eq. 12).
    x_0, eps: (batch, …); t: (batch,). Nats an image, (batch,).
    """
    x_t = q_sample(schedule, x_0, t, eps)
    eps_hat = eps_model(x_t, schedule.told(t, x_t))
    mean = reverse_mean(schedule, eps_hat, x_t, t)
    var = schedule.posterior_variance
    var[:2] = var[2] if schedule.T > 1 else schedule.beta[1]
    var = schedule.at(var, t, x_t)
    kl = gaussian_kl(posterior_mean(schedule, x_0, x_t, t), var, mean, var)
    nll = -decoder_log_prob(x_0, mean, var)
    return torch.where(t == 1, nll.flatten(1).sum(1), kl.flatten(1).sum(1))


def prior_term(schedule: NoiseSchedule, x_0: Tensor) -> Tensor:
    """L_T = KL(q(x_T | x_0) ‖ N(0, I))    DDPM, eq. 5; nats an image, (batch,)"""
    alpha_bar = schedule.at(schedule.alpha_bar, schedule.T, x_0)
    zero, one = torch.zeros_like(x_0), torch.ones_like(x_0)
    return gaussian_kl(alpha_bar.sqrt() * x_0, 1 - alpha_bar, zero, one).flatten(1).sum(1)


@torch.no_grad()
def bound_terms(eps_model: Callable, schedule: NoiseSchedule, x_0: Tensor, *,
                generator: torch.Generator | None = None) -> Tensor:
    """L_0, L_1, …, L_T of L_vlb = E_q[L_0 + … + L_T], each with one draw of ε    DDPM, eq. 5

    Nats an image, (T + 1, batch). Errors: ValueError for a model of another T, x_0 not finite.
    """
    check_denoiser(eps_model, schedule)
    terms = []
    for t in range(1, schedule.T + 1):
        times = torch.full((len(x_0),), t, device=x_0.device)
        eps = noise_like(x_0, generator)
        terms.append(bound_term(eps_model, schedule, x_0, times, eps))
    return torch.stack([*terms, prior_term(schedule, x_0)])
