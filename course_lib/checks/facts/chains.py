"""Gaussian chains: one number an image, Gaussian conditioning, and the exact ε of Gaussian data."""
from collections.abc import Callable

import torch
from torch import Tensor


def per_image(values: Tensor, images: Tensor) -> Tensor:
    """One number for each image, shaped to be multiplied with the images, and of their dtype."""
    return values.reshape(-1, *[1] * (images.ndim - 1)).to(images.dtype)


def conditional(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Of each Gaussian, covariance (batch, n, n), the law of its first number given the others:
    the others' factors in its mean, (batch, n − 1), and its variance, (batch,)."""
    to_others = covariance[:, 1:, 0]
    factors = torch.linalg.solve(covariance[:, 1:, 1:], to_others)
    return factors, covariance[:, 0, 0] - (factors * to_others).sum(1)


def exact_eps(alpha_bar: Tensor, mean: float, variance: float) -> Callable[..., Tensor]:
    """E[ε | x_t] of data N(mean, variance), as a denoiser: Gaussian regression of ε on x_t.

    t may also be a number, or out of range: what an answer asks for is judged elsewhere.
    """
    signal, noise = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    factor = noise / (alpha_bar * variance + 1 - alpha_bar)

    def eps_model(x: Tensor, t: Tensor | int) -> Tensor:
        t = torch.as_tensor(t).reshape(-1).long().clamp(0, len(alpha_bar) - 1)
        precise = x.double()
        centred = precise - per_image(signal[t], precise) * mean
        return (per_image(factor[t], precise) * centred).to(x.dtype)

    return eps_model
