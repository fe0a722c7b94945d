"""A denoiser is a function ε_θ(x_t, t) (DDPM, Section 3.2): samplers take one, guidance maps one to
another."""
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.diffusion.schedule import NoiseSchedule


class Denoiser:
    """(x_t, t) → ε, together with the T of the chain that it was trained on    DDPM, eq. 11

    A plain function will do for a sampler, too; it goes with a chain of any T.
    """

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor], T: int):
        self.function, self.T = function, T

    def __call__(self, x_t: Tensor, t: Tensor) -> Tensor:
        return self.function(x_t, t)


def at_class(eps_model: Callable, y) -> Callable:
    """ε_θ(x_t, t, y) as a function of x_t and t    Ho & Salimans 2021, Section 3.1

    y: None, an int or int64 (batch,).
    """
    if y is None:
        return eps_model
    return Denoiser(lambda x_t, t: eps_model(x_t, t, y), eps_model.T)


def check_denoiser(eps_model: Callable, schedule: NoiseSchedule) -> None:
    """A chain may visit some of the trained times, but of the same T    DDIM, Section 4.2

    Errors: ValueError for another T.
    """
    T = getattr(eps_model, "T", schedule.trained_T)
    if T != schedule.trained_T:
        raise ValueError(f"The model was trained with T = {T}, but this schedule has "
                         f"T = {schedule.trained_T}.")


def check_images(x: Tensor, name: str = "x_T") -> Tensor:
    """x, where it is a point of ℝ^d, as DDPM, eq. 1 takes it: finite and floating

    Errors: ValueError, which names it.
    """
    if not x.is_floating_point() or not torch.isfinite(x).all():
        raise ValueError(f"{name} must hold finite floating-point numbers.")
    return x
