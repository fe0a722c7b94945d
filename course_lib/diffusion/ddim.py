"""Song et al. 2021, "Denoising Diffusion Implicit Models" (DDIM): other chains with the same
marginals, in few steps.

The paper's α is DDPM's ᾱ; here it is always ᾱ. On a respaced schedule, t − 1 is the time before t
in the sub-sequence.
"""
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_lib.core import noise_like
from course_lib.diffusion.denoiser import check_denoiser, check_images
from course_lib.diffusion.gaussian_chain import q_sample
from course_lib.diffusion.parametrisations import eps_from_x_0, x_0_from_eps
from course_lib.diffusion.schedule import NoiseSchedule


def sigma(schedule: NoiseSchedule, eta: float) -> Tensor:
    """σ_t(η) = η √((1 − ᾱ_{t−1}) / (1 − ᾱ_t)) √(1 − ᾱ_t / ᾱ_{t−1})    DDIM, eq. 16

    Shape (T + 1,), float64. η = 0: no fresh noise, DDIM; η = 1: DDPM with σ_t² = β̃_t.
    Errors: ValueError for η outside [0, 1].
    """
    if not isinstance(eta, int | float) or not 0 <= eta <= 1:
        raise ValueError(f"η must be a number in [0, 1], got {eta!r}.")
    return eta * schedule.posterior_variance.sqrt()


def sigma_hat(schedule: NoiseSchedule) -> Tensor:
    """σ̂_t = √(1 − ᾱ_t / ᾱ_{t−1}) = √β_t    DDIM, Section 5 and Appendix D.3

    Shape (T + 1,), float64. It stands before z alone; the direction keeps σ_t(1).
    """
    return schedule.beta.sqrt()


def ddim_step(schedule: NoiseSchedule, eps: Tensor, x_t: Tensor, t: Tensor | int,
              z: Tensor | float = 0.0, sigma: Tensor | None = None,
              noise_scale: Tensor | None = None, clip: bool = False) -> Tensor:
    """x_{t−1} = √ᾱ_{t−1} x̂_0 + √(1 − ᾱ_{t−1} − σ_t²) ε + σ_t z    DDIM, eq. 12

    x̂_0 = (x_t − √(1 − ᾱ_t) ε)/√ᾱ_t, ε = ε_θ(x_t, t). z: of N(0, I). sigma: σ_0 … σ_T, (T + 1,); 0
    unless given. noise_scale: what stands before z in place of σ_t, such as σ̂_t (Appendix D.3),
    (T + 1,). clip: the predicted x_0 is clamped to [−1, 1], and ε changed with it.
    Errors: ValueError where σ_t² is more than the noise that x_{t−1} may have, 1 − ᾱ_{t−1}.
    """
    sigma = torch.zeros_like(schedule.beta) if sigma is None else sigma
    noise_scale = sigma if noise_scale is None else noise_scale
    alpha_bar_prev = schedule.alpha_bar[:-1]                     # of t = 1 … T
    variance = 1 - alpha_bar_prev - sigma[1:] ** 2
    if (schedule.at(variance, t, x_t) < -1e-9).any():
        raise ValueError(f"σ_t² at t = {t} is more than 1 − ᾱ_{{t−1}}.")
    x_0 = x_0_from_eps(schedule, eps, x_t, t)
    if clip:
        x_0 = x_0.clamp(-1, 1)
        eps = eps_from_x_0(schedule, x_0, x_t, t)
    direction = schedule.at(variance.clamp(min=0).sqrt(), t, x_t) * eps
    noise = schedule.at(noise_scale, t, x_t) * z
    return schedule.at(alpha_bar_prev.sqrt(), t, x_t) * x_0 + direction + noise


@torch.no_grad()
def ddim_sample(eps_model: Callable, schedule: NoiseSchedule, x_T: Tensor,
                steps: int | Sequence[int] | None = None, eta: float = 0.0, *,
                noise_scale: Tensor | None = None, clip: bool = False,
                generator: torch.Generator | None = None) -> Tensor:
    """DDIM, eq. 12, for the times τ_S > … > τ_1 of a sub-sequence    DDIM, Section 4.2

    steps: how many, or the times themselves; all T unless given. eta: σ_t = σ_t(η), η in [0, 1].
    noise_scale: (S + 1,), what stands before z in place of σ_t. The paper's stand-in for DDPM with
    σ_t² = β_t is η = 1 with noise_scale = sigma_hat(schedule.respace(steps)) (Appendix D.3).
    As in Algorithm 2 of DDPM, the last step adds no noise. Errors: ValueError for steps > T, η
    outside [0, 1], x_T not finite, a model or a noise_scale of another T.
    """
    check_denoiser(eps_model, schedule)
    schedule = schedule if steps is None else schedule.respace(steps)
    sigma_t = sigma(schedule, eta)
    noise_scale = sigma_t if noise_scale is None else noise_scale
    x = check_images(x_T)
    for t in range(schedule.T, 0, -1):
        eps = eps_model(x, schedule.told(t, x))
        z = noise_like(x, generator) if t > 1 and noise_scale[t] > 0 else torch.zeros_like(x)
        x = ddim_step(schedule, eps, x, t, z, sigma_t, noise_scale, clip)
    return x


@torch.no_grad()
def ddim_encode(eps_model: Callable, schedule: NoiseSchedule, x_0: Tensor,
                steps: int | Sequence[int] | None = None) -> Tensor:
    """x_{t+1} = √ᾱ_{t+1} x̂_0 + √(1 − ᾱ_{t+1}) ε_θ(x_t, t)    DDIM, Section 4.3, eq. 14

    An Euler step of the ODE, from the image to the noise. The network is told t at x_t; at t = 0,
    where it was not trained, the first time of the sub-sequence. Errors: as `ddim_sample`.
    """
    check_denoiser(eps_model, schedule)
    schedule = schedule if steps is None else schedule.respace(steps)
    x = check_images(x_0, "x_0")
    for t in range(schedule.T):
        eps = eps_model(x, schedule.told(max(t, 1), x))
        x_hat = x_0_from_eps(schedule, eps, x, t) if t > 0 else x
        x = q_sample(schedule, x_hat, t + 1, eps)
    return x


def slerp(x: Tensor, z: Tensor, share: float) -> Tensor:
    """sin((1 − a)θ)/sin θ x + sin(aθ)/sin θ z, cos θ = xᵀz/(‖x‖‖z‖), for each of a batch
    Shoemake 1985, as in DDIM, Section 5.3

    Between two draws of N(0, I) it keeps their length, which a straight line does not.
    Errors: ValueError for a outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"The share must lie in [0, 1], got {share}.")
    theta = torch.cosine_similarity(x.flatten(1), z.flatten(1)).clamp(-1, 1).acos()
    theta = theta.view(-1, *[1] * (x.ndim - 1))
    straight = theta.sin() < 1e-4                                # one direction: there is no arc
    sin_theta = theta.sin().masked_fill(straight, 1.0)
    arc = (torch.sin((1 - share) * theta) * x + torch.sin(share * theta) * z) / sin_theta
    return torch.where(straight, (1 - share) * x + share * z, arc)
