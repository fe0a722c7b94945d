"""Parzen-window estimates of log p(x) from samples: the one of Goodfellow et al. 2014, Section 5,
and the multi-scale one of Denton et al. 2015, Appendix A.

All in nats, densities in the unit that the data come in: a density of pixels in [0, 1] is 2^d times
that of the same pixels in [−1, 1].
"""
import math

import torch
from torch import Tensor

from course_lib.core import sampling
from course_lib.gan.lapgan import LAPGAN, down, up

SIGMAS = torch.logspace(-1.5, 0, 16).tolist()        # 0.03 … 1, for pixels in [0, 1]


def parzen(x: Tensor, samples: Tensor, sigma: float) -> Tensor:
    """log p̂(x) = log 1/m Σᵢ N(x; sᵢ, σ²I)    Goodfellow et al. 2014, Section 5

    x: (n, …); samples: (m, …), or (n, m, …) where each x has its own. Returns (n,) float64, nats.
    p̂ → 0 outside the samples as σ → 0, and p̂ → N(x; mean, σ²I) for a large σ. Errors: ValueError
    for σ ≤ 0 and for shapes that do not fit.
    """
    return _windows(_squares(x, samples), x[0].numel(), sigma)


def best_sigma(x: Tensor, samples: Tensor, sigmas=SIGMAS) -> float:
    """The σ of `sigmas` with the largest mean log p̂(x)    Goodfellow et al. 2014, Section 5

    x: a validation split, which the estimate reported is not taken on. Errors: as `parzen`.
    """
    squares, d = _squares(x, samples), x[0].numel()
    return max(sigmas, key=lambda sigma: _windows(squares, d, sigma).mean().item())


def _squares(x: Tensor, samples: Tensor) -> Tensor:                # ‖x − sᵢ‖², (n, m)
    own = samples.ndim == x.ndim + 1
    if samples.shape[1 + own:] != x.shape[1:] or (own and len(samples) != len(x)):
        raise ValueError(f"Samples of shape {tuple(samples.shape)} do not fit points of shape "
                         f"{tuple(x.shape)}: (m, …) or (n, m, …) is needed for (n, …).")
    x, samples = x.double().flatten(1), samples.double().flatten(1 + own)
    distance = torch.cdist(x.unsqueeze(1), samples).squeeze(1) if own else torch.cdist(x, samples)
    return distance**2


def _windows(squares: Tensor, d: int, sigma: float) -> Tensor:
    if sigma <= 0:
        raise ValueError(f"A window has a width σ > 0, not {sigma}.")
    log_window = -squares / (2 * sigma**2) - d / 2 * math.log(2 * math.pi * sigma**2)
    return log_window.logsumexp(1) - math.log(squares.shape[1])


def haar(x: Tensor) -> tuple[Tensor, Tensor]:
    """Sums/2 of 2×2 blocks, and what they leave out    Denton et al. 2015, Appendix A

    (batch, C, H, W) → l = 2 d(x), (batch, C, H/2, W/2), and h, (batch, 3C, H/2, W/2), what d leaves
    out, in an orthonormal basis: ‖x‖² = ‖l‖² + ‖h‖², so that p(x) = p(l) p(h | l) needs no factor.
    """
    a, b, c, d = x[..., ::2, ::2], x[..., ::2, 1::2], x[..., 1::2, ::2], x[..., 1::2, 1::2]
    h = torch.cat([a - b + c - d, a + b - c - d, a - b - c + d], 1) / 2
    return 2 * down(x), h


@sampling
def conditional_samples(model: LAPGAN, x: Tensor, m: int,
                        generator: torch.Generator | None = None) -> list[tuple[Tensor, Tensor]]:
    """(h of I_k, m samples of h given its own u(I_{k+1})) for k < K    Denton et al. 2015, App. A

    x: I_0, (n, C, H, W) in [−1, 1]. At each level G_k is given the real l_k. The h are `haar`'s, in
    pixels of [0, 1]: (n, 3C, H/2, W/2) and (n, m, 3C, H/2, W/2).
    """
    pairs = []
    for k in range(model.K):
        drawn = [haar(model.generate(k, l_k.expand(m, *l_k.shape), m, generator))[1] / 2
                 for l_k in up(down(x))]
        pairs.append((haar(x)[1] / 2, torch.stack(drawn)))
        x = down(x)
    return pairs


def multiscale_parzen(model: LAPGAN, x: Tensor, validation: Tensor, coarse: Tensor, m: int = 200,
                      *, sigmas=SIGMAS, generator: torch.Generator | None = None) -> Tensor:
    """log p̂(x) = log q_K(I_K) + Σ_k log q_k(h_k | u(I_{k+1}))    Denton et al. 2015, Appendix A

    x, validation: pictures (n, C, H, W) in [−1, 1]; coarse: samples of level K, the windows of q_K;
    m samples of h_k for each picture are those of q_k. Each level's σ is the best of `sigmas` on
    `validation`; I_K's coefficients are 2^K pixels large, and their σ is 2^K times as wide.
    Returns (n, K + 1) float64: the terms of k = 0 … K, nats of pixels in [0, 1]; their sum over
    levels is log p̂. Each level is given the coarse version of the picture that is tested, never the
    cascade's own, and what it changes of that version is dropped. By the chain rule the sum is a
    log density of the cascade only if every level keeps d(Ĩ_k) = Ĩ_{k+1}, which LAPGAN does not
    force: in general it is no estimate of the density that `sample` draws from, and it does not
    compare with `parzen` of whole pictures.
    """
    terms = []
    for (h_val, drawn_val), (h, drawn) in zip(
            conditional_samples(model, validation, m, generator),
            conditional_samples(model, x, m, generator)):
        terms.append(parzen(h, drawn, best_sigma(h_val, drawn_val, sigmas)))
    for _ in range(model.K):
        x, validation = down(x), down(validation)
    # orthonormal coefficients of I_K; that [0, 1] is also shifted, no density sees
    x, validation, coarse = (2**model.K / 2 * part for part in (x, validation, coarse))
    sigma = best_sigma(validation, coarse, [2**model.K * sigma for sigma in sigmas])
    terms.append(parzen(x, coarse, sigma))
    return torch.stack(terms, 1)
