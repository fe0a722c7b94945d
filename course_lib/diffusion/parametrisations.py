"""Salimans & Ho 2022, "Progressive Distillation for Fast Sampling of Diffusion Models", Section 4:
given x_t, to predict x_0, ε or v is to predict all three.

On the circle of x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε, v is the direction in which the angle grows. All
take t as `NoiseSchedule.at` does: an int, or int64 (batch,), in 1 … T; the rest is (batch, …).
"""
from torch import Tensor

from course_lib.diffusion.schedule import NoiseSchedule


def x_0_from_eps(schedule: NoiseSchedule, eps: Tensor, x_t: Tensor, t: Tensor | int) -> Tensor:
    """x_0 = (x_t − √(1 − ᾱ_t) ε) / √ᾱ_t    DDPM, eq. 15"""
    alpha_bar = schedule.at(schedule.alpha_bar, t, x_t)
    return (x_t - (1 - alpha_bar).sqrt() * eps) / alpha_bar.sqrt()


def eps_from_x_0(schedule: NoiseSchedule, x_0: Tensor, x_t: Tensor, t: Tensor | int) -> Tensor:
    """ε = (x_t − √ᾱ_t x_0) / √(1 − ᾱ_t)    DDPM, eq. 4 solved for ε"""
    alpha_bar = schedule.at(schedule.alpha_bar, t, x_t)
    return (x_t - alpha_bar.sqrt() * x_0) / (1 - alpha_bar).sqrt()


def v_from_eps(schedule: NoiseSchedule, eps: Tensor, x_0: Tensor, t: Tensor | int) -> Tensor:
    """v = √ᾱ_t ε − √(1 − ᾱ_t) x_0    Salimans & Ho 2022, Section 4"""
    alpha_bar = schedule.at(schedule.alpha_bar, t, x_0)
    return alpha_bar.sqrt() * eps - (1 - alpha_bar).sqrt() * x_0


def x_0_from_v(schedule: NoiseSchedule, v: Tensor, x_t: Tensor, t: Tensor | int) -> Tensor:
    """x_0 = √ᾱ_t x_t − √(1 − ᾱ_t) v    Salimans & Ho 2022, Section 4"""
    alpha_bar = schedule.at(schedule.alpha_bar, t, x_t)
    return alpha_bar.sqrt() * x_t - (1 - alpha_bar).sqrt() * v


def eps_from_v(schedule: NoiseSchedule, v: Tensor, x_t: Tensor, t: Tensor | int) -> Tensor:
    """ε = √(1 − ᾱ_t) x_t + √ᾱ_t v    Salimans & Ho 2022, Appendix D"""
    alpha_bar = schedule.at(schedule.alpha_bar, t, x_t)
    return (1 - alpha_bar).sqrt() * x_t + alpha_bar.sqrt() * v
