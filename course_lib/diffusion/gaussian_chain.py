"""Ho et al. 2020, "Denoising Diffusion Probabilistic Models" (DDPM), Sections 2 and 3: the chain's
Gaussians in closed form. How x_t lies around x_0, and a step back, knowing x_0 or guessing ε.

All take t as `NoiseSchedule.at` does: an int, or int64 (batch,), in 1 … T; the rest is (batch, …).
"""
from torch import Tensor

from course_lib.diffusion.denoiser import check_images
from course_lib.diffusion.parametrisations import x_0_from_eps
from course_lib.diffusion.schedule import NoiseSchedule


def q_sample(schedule: NoiseSchedule, x_0: Tensor, t: Tensor | int, eps: Tensor) -> Tensor:
    """x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε    DDPM, eq. 4

    Errors: TypeError, ValueError for such t; ValueError for x_0 not finite.
    """
    alpha_bar = schedule.at(schedule.alpha_bar, t, check_images(x_0, "x_0"))
    return alpha_bar.sqrt() * x_0 + (1 - alpha_bar).sqrt() * eps


def posterior_mean(schedule: NoiseSchedule, x_0: Tensor, x_t: Tensor, t: Tensor | int) -> Tensor:
    """μ̃_t(x_t, x_0) = √ᾱ_{t−1} β_t/(1 − ᾱ_t) x_0 + √α_t (1 − ᾱ_{t−1})/(1 − ᾱ_t) x_t    DDPM, eq. 7

    The mean of q(x_{t−1} | x_t, x_0), DDPM, eq. 6; its variance is `schedule.posterior_variance`.
    """
    beta, alpha, alpha_bar = schedule.beta[1:], schedule.alpha[1:], schedule.alpha_bar[1:]
    alpha_bar_prev = schedule.alpha_bar[:-1]                     # each of t = 1 … T
    on_x_0 = alpha_bar_prev.sqrt() * beta / (1 - alpha_bar)
    on_x_t = alpha.sqrt() * (1 - alpha_bar_prev) / (1 - alpha_bar)
    return schedule.at(on_x_0, t, x_t) * x_0 + schedule.at(on_x_t, t, x_t) * x_t


def reverse_mean(schedule: NoiseSchedule, eps: Tensor, x_t: Tensor, t: Tensor | int,
                 clip: bool = False) -> Tensor:
    """μ_θ(x_t, t) = 1/√α_t (x_t − β_t / √(1 − ᾱ_t) ε_θ(x_t, t))    DDPM, eq. 11

    The mean of p_θ(x_{t−1} | x_t), DDPM, eq. 1; with the true ε it is μ̃_t (DDPM, eqs. 9 and 10).
    clip: μ̃_t(x_t, x̂_0), with the x̂_0 that ε predicts clamped to [−1, 1], for images.
    """
    if clip:
        x_0 = x_0_from_eps(schedule, eps, x_t, t).clamp(-1, 1)
        return posterior_mean(schedule, x_0, x_t, t)
    alpha = schedule.at(schedule.alpha, t, x_t)
    alpha_bar = schedule.at(schedule.alpha_bar, t, x_t)
    return (x_t - (1 - alpha) / (1 - alpha_bar).sqrt() * eps) / alpha.sqrt()
