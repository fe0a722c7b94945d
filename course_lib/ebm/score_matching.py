"""Hyvärinen 2005, "Estimation of Non-Normalized Statistical Models by Score Matching", and Vincent
2011, "A Connection Between Score Matching and Denoising Autoencoders": three losses of s(x), a
guess of the score ∇ log p(x), with the same gradient.

Each is returned for each x, (batch,), nats per unit of x squared; to be averaged over x ~ p.
"""
from collections.abc import Callable

import torch
from torch import Tensor


def jacobian(s: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """s(x) and J_ij = ∂s_i/∂x_j    of a gradient J = Jᵀ (Schwarz), and all that is not has a curl

    x: points (n, d). Returns (n, d), (n, d, d), which can be differentiated further.
    """
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        out = s(x)
        rows = [torch.autograd.grad(out[:, i].sum(), x, create_graph=True, materialize_grads=True)
                for i in range(out.shape[1])]
        return out, torch.stack([row for row, in rows], 1)


def explicit(s: Tensor, score: Tensor) -> Tensor:
    """½ ‖s(x) − ∇ log p(x)‖²    Hyvärinen 2005, eq. 2; Vincent 2011: explicit score matching

    s, score: of the same points, (batch, …). For laws whose score is known.
    """
    return (s - score).square().flatten(1).sum(1) / 2


def implicit(s: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """½ ‖s(x)‖² + tr ∂s/∂x    Hyvärinen 2005, Theorem 1; Vincent 2011: implicit score matching

    Its mean over x ~ p is that of `explicit` less ½ E ‖∇ log p‖², a constant, by an integration by
    parts; and it asks for samples alone. x: points (n, d): d backward passes, too many for images.
    """
    out, J = jacobian(s, x)
    return out.square().sum(1) / 2 + J.diagonal(dim1=1, dim2=2).sum(1)


def denoising(s: Tensor, x_tilde: Tensor, x: Tensor, sigma: Tensor | float) -> Tensor:
    """½ ‖s(x̃) + (x̃ − x)/σ²‖²,  x̃ = x + σz    Vincent 2011, Section 4.2; Song & Ermon 2019, eq. 5

    s = s(x̃), x̃, x: (batch, …); sigma: a number, or (batch,). Its mean is that of `explicit` on the
    law q_σ of x̃, plus ½ d/σ² − ½ E ‖∇ log q_σ(x̃)‖², a constant: s learns q_σ's score, not p's.
    For a finite data set q_σ is `plane.Mixture(x, 0).smoothed(sigma)`.
    """
    sigma = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
    variance = sigma.reshape(-1, *[1] * (x.ndim - 1))**2
    return explicit(s, (x - x_tilde) / variance)
