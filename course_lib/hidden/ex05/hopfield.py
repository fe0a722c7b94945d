"""The facts of Hopfield's network with units 0 and 1: storing with strengths, and recall."""
import math

import torch
from torch import Tensor

from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same

STORE_HINT = ("w_ij sums g (xi_i - a)(xi_j - a) over the patterns, with 0 on the diagonal; theta_i "
              "is what unit i adds to the energy of the deviations where all others are 0.")
RECALL_HINT = ("One unit after the other: h = sum_j w_ij s_j - theta_i, with the states as they "
               "are by then; 1 above 0, 0 below, and as it was at 0. The path begins with the "
               "energy of the states that came in, and has one more energy for each visit.")


def of_deviations(w: Tensor, s: Tensor, a: float) -> Tensor:
    """−½ Σ_{i≠j} w_ij (s_i − a)(s_j − a), of one state."""
    d, others = s - a, 1 - torch.eye(len(s), dtype=w.dtype)
    return -(others * w * d.reshape(-1, 1) * d).sum() / 2


def stored(xi: Tensor, g: Tensor, a: float) -> tuple[Tensor, Tensor]:
    """Pattern by pattern; a threshold is what it costs that a unit alone is switched on."""
    p, n = xi.shape
    w = torch.zeros(n, n, dtype=xi.dtype)
    for mu in range(p):
        d = xi[mu] - a
        w = w + g[mu] * d.reshape(n, 1) * d.reshape(1, n)
    w = w * (1 - torch.eye(n, dtype=xi.dtype))
    off, on = torch.zeros(n, dtype=xi.dtype), torch.eye(n, dtype=xi.dtype)
    silent = of_deviations(w, off, a)
    return w, torch.stack([of_deviations(w, one, a) - silent for one in on])


def check_store(store, seed: int = 0) -> None:
    rng = seeded(seed)
    some = uniform(rng, low=0.1, high=0.4).item()
    for dtype in BOTH:
        for p, n, a, scale in ((1, 1, 0.5, 1.0), (1, 3, 0.5, 1.0), (3, 1, some, 1.0),
                               (4, 4, some, 1.0), (2, 7, some, 1.0), (6, 3, 1 - some, 1.0),
                               (3, 5, 0.0, 1.0), (3, 5, 1.0, 1.0), (5, 8, some, 1e6),
                               (3, 4, some, 1e-6), (2, 2, 0.05, 1.0),
                               (3, 4, some, 1e30), (3, 4, some, 1e-30)):
            xi = (torch.rand(p, n, generator=rng) < 0.4).to(dtype)
            g = scale * torch.randn(p, dtype=torch.float64, generator=rng)
            if p > 2:
                g[1] = 0.0
            same(store, stored, (xi, g.to(dtype), a), ("w", "theta"), STORE_HINT,
                 wrt=(0, 1) if n < 6 else (1,), of=(0, 1), slope=scale,
                 tolerance=1e-10 if dtype == torch.float64 else 1e-4,
                 what=f" of {p} patterns of {n} units, a = {a:.3g}, strengths of size {scale:g}")


def energy(w: Tensor, theta: Tensor, s: Tensor) -> Tensor:
    """−½ Σ_ij w_ij s_i s_j + Σ_i θ_i s_i of one state."""
    on = s.nonzero().flatten()
    return theta[on].sum() - w[on][:, on].sum() / 2


def recalled(w: Tensor, theta: Tensor, s: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
    """State by state: a unit takes what has less energy, and keeps its own where both have as
    much."""
    ends, paths = [], []
    for state in s:
        state = state.clone()
        path = [energy(w, theta, state)]
        for i in order.tolist():
            other = state.clone()
            other[i] = 1 - state[i]
            gain = w[i, state.bool()].sum() - theta[i]            # w_ii = 0
            if (gain > 0 and other[i] == 1) or (gain < 0 and other[i] == 0):
                state = other
            path.append(energy(w, theta, state))
        ends.append(state)
        paths.append(torch.stack(path))
    return torch.stack(ends), torch.stack(paths)


def weights(rng: torch.Generator, n: int, whole: bool, scale: float) -> tuple[Tensor, Tensor]:
    """Symmetric weights without a diagonal, and thresholds; whole: small multiples of the scale,
    so that ties occur and sums are exact."""
    if whole:
        w = torch.randint(-2, 4, (n, n), generator=rng).double()
        theta = torch.randint(-2, 4, (n,), generator=rng).double()
    else:
        w = torch.randn(n, n, dtype=torch.float64, generator=rng)
        theta = torch.randn(n, dtype=torch.float64, generator=rng)
    w = w.tril(-1)
    return scale * (w + w.T), scale * theta


def beside(recall, rng: torch.Generator, dtype: torch.dtype, large: float, part: float) -> None:
    """Fields of ±part, in which a weight and a threshold of size `large` nearly cancel; and two
    neighbours that hold each other."""
    a, b, c, d = torch.randperm(4, generator=rng).tolist()
    s = torch.zeros(2, 4, dtype=dtype)
    s[:, a], s[1, [b, c]] = 1, 1
    for sign in (1, -1):
        w, theta = torch.zeros(4, 4, dtype=dtype), torch.zeros(4, dtype=dtype)
        w[a, b] = w[b, a] = w[a, c] = w[c, a] = large
        theta[b], theta[c] = large - sign * part, large + sign * part
        same(recall, recalled, (w, theta, s, torch.tensor([b, c, b])),
             ("the states", "the energies"), RECALL_HINT,
             what=f" where a weight is {large:g} and fields are {part:g} and {-part:g}")


def off_again(recall, rng: torch.Generator, dtype: torch.dtype, large: float,
              small: float) -> None:
    """A unit with a small field beside large weights: to a neighbour that is off, or that has just
    been switched off or on and off; or between two neighbours that are on."""
    a, b, c = torch.randperm(3, generator=rng).tolist()
    off, on = torch.zeros(2, 3, dtype=dtype), torch.zeros(2, 3, dtype=dtype)
    off[1, a], off[1, c], on[1, c] = 1, 1, 1
    on[:, [a, b]] = 1
    for sign in (1, -1):
        w, theta = torch.zeros(3, 3, dtype=dtype), torch.zeros(3, dtype=dtype)
        w[a, c] = w[c, a] = large
        theta[a], theta[c] = 8 * large, -sign * small
        same(recall, recalled, (w, theta, off, torch.tensor([a, c, a, c])),
             ("the states", "the energies"), RECALL_HINT,
             what=f" where a unit with the field {sign * small:g} has a weight of {large:g} to one "
                  "that is off")
        w, theta = torch.zeros(3, 3, dtype=dtype), torch.zeros(3, dtype=dtype)
        w[a, b] = w[b, a] = large
        w[c, [a, b]] = w[[a, b], c] = 0.5
        theta[c] = 1 - sign * small
        same(recall, recalled, (w, theta, on, torch.tensor([c, a, c])),
             ("the states", "the energies"), RECALL_HINT,
             what=f" where a unit with the field {sign * small:g} has two neighbours that hold "
                  f"each other by {large:g}")


def check_recall(recall, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype in BOTH:
        for b, n, visits, whole, scale in (
                (1, 1, 1, True, 1.0), (1, 4, 8, True, 1.0), (4, 4, 4, True, 1.0),
                (3, 1, 2, True, 1.0), (5, 6, 0, True, 1.0), (2, 9, 27, True, 1.0),
                (0, 5, 15, True, 1.0), (3, 5, 10, True, 2.0**-40), (3, 5, 10, True, 2.0**30),
                (3, 5, 10, True, 2.0**-99), (3, 5, 10, True, 2.0**99),
                (3, 5, 10, True, 2.0**-330), (3, 5, 10, True, 2.0**330),
                (4, 6, 20, True, 0.125), (6, 8, 24, False, 1.0), (3, 6, 12, False, 1e-9)):
            if dtype == torch.float32 and (not whole or abs(math.log2(scale)) > 100):
                continue                                          # rounding would decide
            w, theta = weights(rng, n, whole, scale)
            if b:
                s = torch.randint(2, (b, n), generator=rng)
                order = torch.randint(n, (visits,), generator=rng)
            else:                                                 # all states, all units in turn
                s = torch.cartesian_prod(*[torch.arange(2)] * n)
                order = torch.cat([torch.randperm(n, generator=rng) for _ in range(visits // n)])
            same(recall, recalled, (w.to(dtype), theta.to(dtype), s.to(dtype), order),
                 ("the states", "the energies"), RECALL_HINT,
                 what=f" of {len(s)} states of {n} units after the visits {order.tolist()}, "
                      f"weights of size {scale:.3g}")
        w, zero = torch.zeros(3, 3, dtype=dtype), torch.zeros(3, dtype=dtype)
        s = torch.tensor([[0, 1, 0], [1, 1, 1]], dtype=dtype)     # nothing but ties
        same(recall, recalled, (w, zero, s, torch.tensor([0, 1, 2, 1])),
             ("the states", "the energies"), RECALL_HINT, what=" where every h is 0")
        least = 2.0**-14 if dtype == torch.float32 else 2.0**-30      # all sums are exact
        most = 2.0**99 if dtype == torch.float32 else 2.0**330
        for large, small in ((1e4, least), (1e8, least), (most, 1 / most)):
            w, theta = torch.zeros(6, 6, dtype=dtype), torch.zeros(6, dtype=dtype)
            a, b, c, d, e, f = torch.randperm(6, generator=rng).tolist()
            w[a, b] = w[b, a] = large
            w[c, d] = w[d, c] = 2 * small
            theta[[c, d, e, f]] = small * torch.tensor([1, 1, 1, -1], dtype=dtype)
            s = torch.cartesian_prod(*[torch.arange(2)] * 6).to(dtype)[::5]
            s[:, [a, b]] = 1
            same(recall, recalled, (w, theta, s, torch.tensor([c, a, d, e, b, f])),
                 ("the states", "the energies"), RECALL_HINT,
                 what=f" where one weight is {large:g} and the other units' fields are {small:g}")
        for large, part in ((1.0, 2.0**-20), (2.0**20, 2.0**-3), (1.0, 2.0**-30),
                            (2.0**46, 2.0**-4)):
            if dtype == torch.float64 or large * part**-1 < 2**24:
                beside(recall, rng, dtype, large, part)
        tiny = 2.0**-14 if dtype == torch.float32 else 2.0**-20
        off_again(recall, rng, dtype, 2.0**40, tiny)
