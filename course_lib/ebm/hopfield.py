"""Hopfield 1982, "Neural networks and physical systems with emergent collective computational
abilities": memories are minima of an energy, and recall is descent. At the end, the continuous
version of Ramsauer et al. 2021, "Hopfield Networks is All You Need", whose step is attention.

Units are ±1, as in Amit, Gutfreund & Sompolinsky 1985 (AGS), and not Hopfield's 0 and 1. Weights
have no 1/n, as his: then they are whole numbers, ties are exact, and no rounding raises an energy.
"""
import math

import torch
from torch import Tensor


def _spins(s: Tensor, what: str = "A state") -> Tensor:
    if not (s.abs() == 1).all():
        raise ValueError(f"{what} is made of −1 and +1, not {s[s.abs() != 1][0].item():g}.")
    return s if s.is_floating_point() else s.float()


def _symmetric(w: Tensor) -> None:
    if not torch.equal(w, w.T) or w.diagonal().any():
        raise ValueError("Recall is sure to settle only if w_ij = w_ji and w_ii = 0.")


def store(xi: Tensor) -> Tensor:
    """w_ij = Σ_μ ξ_i^μ ξ_j^μ, w_ii = 0    Hopfield 1982, eq. 2

    xi: p patterns of ±1, (p, n). Returns (n, n). Errors: ValueError for values other than ±1.
    """
    xi = _spins(xi, "A pattern")
    return (xi.T @ xi).fill_diagonal_(0)


def store_correlated(xi: Tensor) -> Tensor:
    """w = n ξ⁺ξ, w_ii = 0, with the pseudo-inverse ξ⁺    Personnaz, Guyon & Dreyfus 1985

    xi: (p, n), p < n. Each pattern is a fixed point, also where they are alike, as digits are, and
    `store` mixes them up. For orthogonal patterns both are one. Errors: as `store`.
    """
    xi = _spins(xi, "A pattern").double()
    w = xi.shape[1] * torch.linalg.pinv(xi) @ xi
    return ((w + w.T) / 2).fill_diagonal_(0).float()


def energy(w: Tensor, s: Tensor) -> Tensor:
    """E = −½ Σ_ij w_ij s_i s_j    Hopfield 1982, eq. 7

    s: (…, n). Returns (…,). E(s) = E(−s), and a lone pattern has the least, −n (n − 1)/2.
    """
    s = _spins(s)
    return -((s @ w) * s).sum(-1) / 2


def overlap(s: Tensor, xi: Tensor) -> Tensor:
    """m^μ = 1/n Σ_i s_i ξ_i^μ    AGS 1985

    s: (…, n), xi: (p, n). Returns (…, p) in [−1, 1]; the share of wrong bits is (1 − m)/2.
    """
    return _spins(s) @ _spins(xi, "A pattern").T / xi.shape[-1]


def _sign(h: Tensor, s: Tensor) -> Tensor:      # a tie keeps s, so that each change lowers E
    return torch.where(h == 0, s, h.sign())


def asynchronous(w: Tensor, s: Tensor, order: Tensor, T: float = 0.0,
                 generator: torch.Generator | None = None) -> Tensor:
    """s_i ← sgn(h_i), h_i = Σ_j w_ij s_j, one unit after the other    Hopfield 1982, eq. 1

    s: (…, n); order: the units i to visit. No step raises E, if w is symmetric and w_ii = 0. For
    T > 0, P(s_i = 1) = σ(2 h_i/(nT)) (Glauber 1963) leads to Boltzmann's p(s) ∝ exp(−E(s)/(nT)).
    T is that of AGS, whose weights are w/n. Errors: ValueError for T < 0.
    """
    if not T >= 0:
        raise ValueError(f"A temperature is 0 or more, not {T}.")
    s = _spins(s).clone()
    for i in order.tolist():
        h = s @ w[i]
        if T > 0:
            u = torch.rand(h.shape, generator=generator, dtype=h.dtype).to(h.device)
            h = torch.sigmoid(2 * h / (len(w) * T)) - u
        s[..., i] = _sign(h, s[..., i])
    return s


def synchronous(w: Tensor, s: Tensor) -> Tensor:
    """s_i ← sgn(Σ_j w_ij s_j), all at once    Little 1974

    The energy may rise. What never does is −s_tᵀ w s_{t+1} (Goles et al. 1985).
    """
    s = _spins(s)
    return _sign(s @ w, s)


def recall(w: Tensor, s: Tensor, *, sweeps: int = 1000,
           generator: torch.Generator | None = None) -> Tensor:
    """`asynchronous` over all units in a random order, until nothing changes    Hopfield 1982

    s: (…, n). Returns states that no change of one unit improves: memories, or spurious ones.
    Errors: ValueError for a w that is not symmetric or has a diagonal, and after too many sweeps.
    """
    _symmetric(w)
    for _ in range(sweeps):
        s_next = asynchronous(w, s, torch.randperm(len(w), generator=generator))
        if torch.equal(s_next, s):
            return s
        s = s_next
    raise ValueError(f"Units still change after {sweeps} sweeps.")


def recall_synchronous(w: Tensor, s: Tensor, *, steps: int = 1000) -> tuple[Tensor, Tensor]:
    """`synchronous` until s_{t+2} = s_t    Goles et al. 1985: cycles are of length 1 or 2

    The last two states, which differ where they form a cycle of two. Errors: as `recall`.
    """
    _symmetric(w)
    s_prev, s = s, synchronous(w, s)
    for _ in range(steps):
        s_prev_prev, s_prev, s = s_prev, s, synchronous(w, s)
        if torch.equal(s, s_prev_prev):
            return s_prev, s
    raise ValueError(f"Units still change after {steps} steps.")


def mixture(xi: Tensor) -> Tensor:
    """sgn(ξ¹ ± ξ² ± …), of an odd number of patterns: a spurious state    AGS 1985

    xi: (p, n). Of three, m = ½ with each and E is ¾ of a memory's, n → ∞. ValueError for even p.
    """
    if len(xi) % 2 == 0:
        raise ValueError(f"{len(xi)} patterns may sum to 0: a mixture is of an odd number.")
    return _spins(xi, "A pattern").sum(0).sign()


def continuous_energy(X: Tensor, xi: Tensor, beta: float) -> Tensor:
    """E = −1/β log Σ_i exp(β x_iᵀξ) + ½ ξᵀξ + 1/β log N + ½ M²    Ramsauer et al. 2021, eq. 2

    X: N patterns (N, d), any real numbers, M the largest length; ξ: (…, d). Returns (…,), ≥ 0.
    """
    lse = (beta * xi @ X.T).logsumexp(-1) / beta
    M2 = X.square().sum(-1).max()
    return -lse + xi.square().sum(-1) / 2 + math.log(len(X)) / beta + M2 / 2


def continuous_update(X: Tensor, xi: Tensor, beta: float) -> Tensor:
    """ξ ← Xᵀ softmax(β X ξ), patterns as rows of X    Ramsauer et al. 2021, eq. 3

    That is ξ − ∇E(ξ), which never raises E, and attention of ξ to X, for β = 1/√d. Returns (…, d).
    """
    return torch.softmax(beta * xi @ X.T, -1) @ X
