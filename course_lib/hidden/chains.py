"""The forward chain of a diffusion, from its single steps alone.

Exercises 6 and 7 ask for what follows from it in closed form, so students don't see it.
"""
import torch
from torch import Tensor

from course_lib.checks.facts.chains import conditional, per_image
from course_lib.checks.facts.slopes import derivative


def transition(alpha_bar: Tensor, s: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """For each pair, x_t given x_s from t − s single steps: the factor of x_s in its mean, and its
    variance    DDPM, eq. 2"""
    table, found = alpha_bar.tolist(), []
    for first, last in zip(s.tolist(), t.tolist()):
        factor, variance = 1.0, 0.0
        for k in range(first + 1, last + 1):
            alpha = table[k] / table[k - 1]
            factor, variance = alpha ** 0.5 * factor, alpha * variance + 1 - alpha
        found.append((factor, variance))
    return torch.tensor(found, dtype=torch.float64).unbind(1)


def posterior(alpha_bar: Tensor, s: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each pair, the mean of x_s given x_0 and x_t as factors of x_0 and of x_t, and its
    variance: the joint Gaussian of x_s and x_t, conditioned."""
    by_x_0, variance_s = transition(alpha_bar, 0 * s, s)
    by_x_s, added = transition(alpha_bar, s, t)
    between = by_x_s * variance_s
    variance_t = by_x_s * between + added
    joint = torch.stack([variance_s, between, between, variance_t], 1).view(-1, 2, 2)
    on_x_t, variance = conditional(joint)
    on_x_t = on_x_t.squeeze(1)
    return by_x_0 - on_x_t * by_x_s * by_x_0, on_x_t, variance


def velocity(alpha_bar: Tensor, t: Tensor, x_0: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """x_t and v of each image, float64: the point on its quarter circle from x_0 to ε, and the
    slope of the path there    Salimans and Ho, 2022, Appendix D

    The slope is taken by differences of fourth order, good to 1e-12.
    """
    x_0, eps, h = x_0.double(), eps.double(), 1e-3
    angle = per_image(torch.acos(alpha_bar[t].sqrt()), x_0)
    path = lambda phi: phi.cos() * x_0 + phi.sin() * eps
    return path(angle), (4 * derivative(path, angle, h) - derivative(path, angle, 2 * h)) / 3
