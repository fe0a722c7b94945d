"""Song et al. 2021, "Denoising Diffusion Implicit Models" (DDIM): other chains with the same marginals, in few steps.

The paper's α is DDPM's ᾱ; here it is always ᾱ. On a respaced schedule, t − 1 is the time before t in the sub-sequence.
"""
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_lib.diffusion.ddpm import eps_from_x_0, x_0_from_eps
from course_lib.diffusion.schedule import NoiseSchedule, check_denoiser, check_images

SIGMA_HAT = "σ̂"


def sigma(schedule: NoiseSchedule, eta: float) -> Tensor:
    """σ_t(η) = η √((1 − ᾱ_{t−1}) / (1 − ᾱ_t)) √(1 − ᾱ_t / ᾱ_{t−1})    DDIM, eq. 16; shape (T + 1,), float64

    η = 0: no fresh noise, DDIM; η = 1: DDPM with σ_t² = β̃_t. Errors: ValueError for η outside [0, 1].
    """
    if not isinstance(eta, int | float) or not 0 <= eta <= 1:
        raise ValueError(f"η must be a number in [0, 1] (a sampler also takes \"{SIGMA_HAT}\"), got {eta!r}.")
    return eta * schedule.posterior_variance.sqrt()


def sigma_hat(schedule: NoiseSchedule) -> Tensor:
    """σ̂_t = √(1 − ᾱ_t / ᾱ_{t−1}) = √β_t    DDIM, Section 5 and Appendix D.3; shape (T + 1,), float64"""
    return schedule.beta.sqrt()


def ddim_step(schedule: NoiseSchedule, eps: Tensor, x_t: Tensor, t: int, sigma_t: float = 0.0, noise: Tensor | float = 0.0,
              clip: bool = False) -> Tensor:
    """x_{t−1} = √ᾱ_{t−1} (x_t − √(1 − ᾱ_t) ε)/√ᾱ_t + √(1 − ᾱ_{t−1} − σ_t²) ε + noise    DDIM, eq. 12

    eps: ε_θ(x_t, t). noise: σ_t z, or σ̂_t z. clip: the predicted x_0 is clamped to [−1, 1], and ε changed with it.
    Errors: ValueError where σ_t² is more than the noise that x_{t−1} may have, 1 − ᾱ_{t−1}.
    """
    x_0 = x_0_from_eps(schedule, eps, x_t, t)
    before = schedule.alpha_bar[t - 1].item()
    rest = 1 - before - sigma_t ** 2
    if rest < -1e-9:
        raise ValueError(f"σ_t² = {sigma_t ** 2:.4g} is more than 1 − ᾱ_{{t−1}} = {rest + sigma_t ** 2:.4g}.")
    if clip:
        x_0 = x_0.clamp(-1, 1)
        eps = eps_from_x_0(schedule, x_0, x_t, t)
    return math.sqrt(before) * x_0 + math.sqrt(max(rest, 0.0)) * eps + noise


@torch.no_grad()
def ddim_sample(eps_model: Callable, schedule: NoiseSchedule, x_T: Tensor, steps: int | Sequence[int] | None = None,
                eta: float | str = 0.0, *, clip: bool = False, generator: torch.Generator | None = None) -> Tensor:
    """DDIM, eq. 12, for the times τ_S > … > τ_1 of a sub-sequence    DDIM, Section 4.2

    steps: how many, or the times themselves; all T unless given. eta: in [0, 1], or "σ̂": the last term has σ̂_t z while
    the direction keeps σ_t(1), the paper's stand-in for DDPM with σ_t² = β_t (Appendix D.3). As in Algorithm 2 of DDPM,
    the last step adds no noise. Errors: ValueError for steps > T, η outside [0, 1], x_T not finite, a model of another T.
    """
    check_denoiser(eps_model, schedule)
    schedule = schedule if steps is None else schedule.respace(steps)
    direction = sigma(schedule, 1.0 if eta == SIGMA_HAT else eta).tolist()
    scale = sigma_hat(schedule).tolist() if eta == SIGMA_HAT else direction
    x = check_images(x_T)
    for t in range(schedule.T, 0, -1):
        eps = eps_model(x, schedule.told(t, x))
        fresh = scale[t] > 0 and t > 1
        noise = scale[t] * torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device) if fresh else 0.0
        x = ddim_step(schedule, eps, x, t, direction[t], noise, clip)
    return x


@torch.no_grad()
def ddim_encode(eps_model: Callable, schedule: NoiseSchedule, x_0: Tensor, steps: int | Sequence[int] | None = None) -> Tensor:
    """x_{t+1} = √ᾱ_{t+1} x̂_0 + √(1 − ᾱ_{t+1}) ε_θ(x_t, t): an Euler step of the ODE, from the image to the noise    DDIM, Section 4.3, eq. 14

    The network is told t at x_t; at t = 0, where it was not trained, the first time of the sub-sequence.
    Errors: as `ddim_sample`.
    """
    check_denoiser(eps_model, schedule)
    schedule = schedule if steps is None else schedule.respace(steps)
    x, alpha_bar = check_images(x_0, "x_0"), schedule.alpha_bar.tolist()
    for t in range(schedule.T):
        eps = eps_model(x, schedule.told(max(t, 1), x))
        x_hat = (x - math.sqrt(1 - alpha_bar[t]) * eps) / math.sqrt(alpha_bar[t])
        x = math.sqrt(alpha_bar[t + 1]) * x_hat + math.sqrt(1 - alpha_bar[t + 1]) * eps
    return x


def slerp(x: Tensor, z: Tensor, share: float) -> Tensor:
    """sin((1 − a)θ)/sin θ x + sin(aθ)/sin θ z, cos θ = xᵀz/(‖x‖‖z‖), for each of a batch    Shoemake 1985, as in DDIM, Section 5.3

    Between two draws of N(0, I) it keeps their length, which a straight line does not. Errors: ValueError for a outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"The share must lie in [0, 1], got {share}.")
    angle = torch.cosine_similarity(x.flatten(1), z.flatten(1)).clamp(-1, 1).acos().view(-1, *[1] * (x.ndim - 1))
    straight = angle.sin() < 1e-4                              # one direction: there is no arc
    arc = (torch.sin((1 - share) * angle) * x + torch.sin(share * angle) * z) / torch.sin(angle).masked_fill(straight, 1.0)
    return torch.where(straight, (1 - share) * x + share * z, arc)
