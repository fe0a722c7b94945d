"""Salakhutdinov & Murray 2008, "On the Quantitative Analysis of Deep Belief Networks": log Z of a
large RBM by annealed importance sampling (AIS; Neal 2001), and how sure that is."""
import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from course_lib.ebm.rbm import RBM, bernoulli


class Estimate(NamedTuple):
    """log Ẑ in nats, its standard error, and log w of each run with Ẑ = Z_0 · mean w."""

    log_Z: float
    error: float
    log_w: Tensor


def base_rate(v: Tensor) -> Tensor:
    """b_i = log q_i/(1 − q_i), q_i = (Σ v_i + 1)/(n + 2)    the best RBM with W = 0, smoothed

    v: (n, n_v) of 0 and 1, or of probabilities. Returns (n_v,): where annealing starts, and a good
    start of b in training. Errors: ValueError for values outside [0, 1].
    """
    if not ((v >= 0) & (v <= 1)).all():
        raise ValueError("Visible units are 0, 1, or probabilities between.")
    return torch.logit((v.sum(0) + 1) / (len(v) + 2))


@torch.no_grad()
def ais(model: RBM, *, b_0: Tensor | None = None, betas: Tensor | int = 1000, runs: int = 100,
        generator: torch.Generator | None = None) -> Estimate:
    """Ẑ = Z_0 · mean w, w = Π_t p*_{β_t}(v_t)/p*_{β_{t−1}}(v_t)    S. & M. 2008, Algorithm 1

    p*_β(v) = exp((1 − β) b_0ᵀv + β bᵀv) Π_j (1 + e^{β(c_j + (vᵀW)_j)}) leads from independent units
    (β = 0, log-odds b_0, uniform unless given) to the machine (β = 1); v_{t+1} is a step of Gibbs
    sampling at β_t from v_t. betas: rising from 0 to 1, or how many, evenly spaced.
    Ẑ is unbiased for any betas, so that log Ẑ is too low on average. The error knows only what the
    runs saw: a mode that none found is missing in both.
    Errors: ValueError for betas that do not rise from 0 to 1, or fewer than two runs.
    """
    betas = torch.linspace(0, 1, betas) if isinstance(betas, int) else betas
    if len(betas) < 2 or betas[0] != 0 or betas[-1] != 1 or (betas.diff() < 0).any() or runs < 2:
        raise ValueError("betas must rise from 0 to 1, and two runs or more give an error.")
    W, b, c = model.W, model.b, model.c
    b_0 = torch.zeros_like(b) if b_0 is None else b_0.to(b)

    def log_p(v: Tensor, beta: float) -> Tensor:
        return v @ ((1 - beta) * b_0 + beta * b) + softplus(beta * (c + v @ W)).sum(-1)

    v = bernoulli(torch.sigmoid(b_0).expand(runs, -1), generator)
    log_w = torch.zeros(runs, dtype=torch.float64)
    for beta_prev, beta in zip(betas[:-1].tolist(), betas[1:].tolist()):
        log_w += (log_p(v, beta) - log_p(v, beta_prev)).double().cpu()
        h = bernoulli(torch.sigmoid(beta * (c + v @ W)), generator)
        v = bernoulli(torch.sigmoid((1 - beta) * b_0 + beta * (b + h @ W.T)), generator)
    log_Z_0 = len(c) * math.log(2) + softplus(b_0.double()).sum().item()
    w = torch.exp(log_w - log_w.max())
    log_Z = log_Z_0 + log_w.max().item() + w.mean().log().item()
    return Estimate(log_Z, (w.std() / w.mean() / math.sqrt(runs)).item(), log_w)
