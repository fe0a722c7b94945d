"""Data N(m, s²), of which everything about a diffusion model is known: the exact ε, and what a
sampler makes of it."""
import torch

from course_lib.core import noise_like
from course_lib.diffusion.denoiser import Denoiser

M, S2 = 0.7, 0.3  # the data's mean and variance, wherever a test needs no other


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def exact_eps(schedule, mean=M, var=S2):
    """E[ε | x_t] of data N(mean, var), as a denoiser: Gaussian regression of ε on x_t."""
    def eps(x_t, t):
        alpha_bar = schedule.at(schedule.alpha_bar, t, x_t)
        marginal = alpha_bar * var + 1 - alpha_bar
        return (1 - alpha_bar).sqrt() * (x_t - alpha_bar.sqrt() * mean) / marginal
    return Denoiser(eps, schedule.T)


def law(sample, draws):
    """Mean and variance of sample(x_T, generator) for x_T ~ N(0, I), without Monte Carlo: with a
    linear denoiser it is 1, x_T and `draws` fresh noises times fixed numbers, which more rows than
    numbers determine (and prove linear)."""
    n = draws + 12
    x_T = torch.randn(n, 1, generator=rng(1), dtype=torch.float64)
    out = sample(x_T, rng(2))
    again = rng(2)
    noise = [noise_like(x_T, again) for _ in range(draws)]
    inputs = torch.cat([torch.ones_like(x_T), x_T, *noise], 1)
    numbers = torch.linalg.lstsq(inputs, out, driver="gelsd").solution
    assert (inputs @ numbers - out).abs().max() < 1e-9
    return numbers[0].item(), numbers[1:].square().sum().item()


def line(f):
    """Value at 0 and slope of a linear function of one number."""
    low, high = f(torch.zeros(1, 1, dtype=torch.float64)), f(torch.ones(1, 1, dtype=torch.float64))
    return low.item(), (high - low).item()
