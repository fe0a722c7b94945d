"""Song et al. 2021, "Score-Based Generative Modeling through Stochastic Differential Equations": a
DDPM and an NCSN are one model. DDPM shrinks the picture while noise grows (VP, the variance stays),
NCSN adds noise alone (VE, it explodes): x_t = √ᾱ_t x̃, σ_t = √((1 − ᾱ_t)/ᾱ_t)."""
from collections.abc import Callable

from torch import Tensor

from course_lib.diffusion.denoiser import Denoiser, check_denoiser
from course_lib.diffusion.schedule import NoiseSchedule


def sigmas(schedule: NoiseSchedule) -> Tensor:
    """σ_t = √((1 − ᾱ_t)/ᾱ_t), t = 0 … T    x_t/√ᾱ_t of DDPM, eq. 4

    Shape (T + 1,), float64, rising from σ_0 = 0; `sigmas(schedule.respace(50))[1:].flip(0)` are
    levels for annealed Langevin.
    """
    return ((1 - schedule.alpha_bar) / schedule.alpha_bar).sqrt()


def score_of(eps_model: Callable, schedule: NoiseSchedule) -> Callable[[Tensor, Tensor], Tensor]:
    """s(x̃, σ_t) = −ε_θ(√ᾱ_t x̃, t)/σ_t: a DDPM's denoiser as an NCSN    DDPM, Section 3.2

    For of x_t the score is −ε/√(1 − ᾱ_t), and a derivative by x̃ is √ᾱ_t times that by x_t.
    The function takes x̃ (batch, …) and σ (batch,), all the same. Errors: ValueError for a model of
    another T, and, in the function, for a σ that is none of the schedule's, to 1 %.
    """
    check_denoiser(eps_model, schedule)
    levels = sigmas(schedule)

    def score(x_tilde: Tensor, sigma: Tensor) -> Tensor:
        sigma = sigma.double().cpu()
        t = (levels[1:] - sigma[0]).abs().argmin() + 1
        if not ((sigma - levels[t]).abs() <= 0.01 * levels[t]).all():
            raise ValueError(f"σ = {sigma[0]:g} is none of the schedule's levels, or others are in "
                             "the batch; `sigmas` gives them.")
        x_t = schedule.at(schedule.alpha_bar, t, x_tilde).sqrt() * x_tilde
        return -eps_model(x_t, schedule.told(t, x_t)) / levels[t].item()

    return score


def denoiser_of(score: Callable, schedule: NoiseSchedule) -> Denoiser:
    """ε(x_t, t) = −σ_t s(x_t/√ᾱ_t, σ_t): an NCSN as a denoiser, for DDPM's and DDIM's samplers

    The way back of `score_of`. schedule: the chain of T steps whose times a sampler names.
    """
    levels = sigmas(schedule)

    def eps_model(x_t: Tensor, t: Tensor) -> Tensor:
        sigma = schedule.at(levels, t, x_t)
        x_tilde = x_t / schedule.at(schedule.alpha_bar, t, x_t).sqrt()
        return -sigma * score(x_tilde, sigma.reshape(-1).expand(len(x_t)))

    return Denoiser(eps_model, schedule.trained_T)
