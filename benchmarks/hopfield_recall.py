"""What a Hopfield network recalls, and what else it ends in. Three seeds.

Patterns are random ones of 500 units, or MNIST digits, binarised, of 784; rule: `store` is Hebb's,
`store_correlated` the pseudo-inverse. Recall is asynchronous, of up to 100 stored patterns.
`hopfield_corruption`: a share of the bits is flipped, or the second half hidden (-1, or black);
perfect: share recalled without an error. `hopfield_temperature`: overlap with the pattern after 20
sweeps at temperature T, from 10 % flipped bits; theory: m = tanh(m/T), for `store` and no load.
`hopfield_spurious`: where 1,000 random states end, by load, of 500 units and Hebb's rule: within
2.5 % of the bits of a memory, its negative, a mixture of three, or elsewhere; two_cycles: share
that goes round in twos if all units change at once. `hopfield_continuous`: the continuous network
of Ramsauer et al. 2021 finds 100 of the stored digits from their upper halves (the lower is 0, all
updates), beside both rules, whose lower half is black; wrong bits are shares of the hidden half.
"""
import math
from typing import NamedTuple

import torch
from common import chosen, write
from torch import Tensor

from course_lib.data import digits
from course_lib.ebm import hopfield

TABLES = {"hopfield_corruption": ["patterns", "stored", "rule", "damage"],
          "hopfield_temperature": ["patterns", "stored", "rule", "T"],
          "hopfield_spurious": ["stored", "load"],
          "hopfield_continuous": ["stored", "rule", "beta"]}
RULES = {"store": hopfield.store, "store_correlated": hopfield.store_correlated}
STORED = {"random": (10, 25, 50, 69, 150), "digits": (10, 50, 100, 200)}


class Run(NamedTuple):
    part: str
    seed: int


RUNS = [Run(part, seed) for part in ("corruption", "temperature", "spurious", "continuous")
        for seed in range(3)]


def patterns(kind: str, p: int, generator: torch.Generator) -> Tensor:
    if kind == "random":
        return 2.0 * torch.randint(2, (p, 500), generator=generator) - 1
    x = digits().images.flatten(1)
    return x[torch.randperm(len(x), generator=generator)[:p]].sign()


def flipped(xi: Tensor, share: float, generator: torch.Generator) -> Tensor:
    return torch.where(torch.rand(xi.shape, generator=generator) < share, -xi, xi)


def hidden(xi: Tensor, value: float) -> Tensor:
    s = xi.clone()
    s[:, s.shape[1] // 2:] = value
    return s


def share(which: Tensor) -> float:
    return which.double().mean().item()


def settings():
    for kind, numbers in STORED.items():
        for p in numbers:
            for rule, store in RULES.items():
                yield kind, p, rule, store


def corruption(generator: torch.Generator) -> list[dict]:
    rows = []
    for kind, p, rule, store in settings():
        xi = patterns(kind, p, generator)
        w, probes = store(xi), xi[:100]
        for damage in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, "half hidden"):
            s = (hidden(probes, -1.0) if damage == "half hidden"
                 else flipped(probes, damage, generator))
            s = hopfield.recall(w, s, generator=generator)
            rows.append({"patterns": kind, "stored": p, "rule": rule, "damage": damage,
                         "load": p / xi.shape[1], "perfect": share((s == probes).all(1)),
                         "wrong_bits": share(s != probes)})
    return rows


def tanh_law(T: float) -> float:
    m = float(T < 1)                                    # beyond T = 1 only m = 0 solves it
    for _ in range(10_000):
        m = math.tanh(m / T)
    return m


def temperature(generator: torch.Generator) -> list[dict]:
    rows = []
    for kind, p, rule, store in settings():
        if p in (25, 69, 150, 200):
            continue
        xi = patterns(kind, p, generator)
        w, probes, n = store(xi), xi[:50], xi.shape[1]
        for T in (0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.2):
            s = flipped(probes, 0.1, generator)
            for _ in range(20):
                s = hopfield.asynchronous(w, s, torch.randperm(n, generator=generator), T,
                                          generator)
            m = (s * probes).sum(1) / n
            rows.append({"patterns": kind, "stored": p, "rule": rule, "T": T, "load": p / n,
                         "overlap": m.mean().item(), "above_0.9": share(m > 0.9),
                         "theory": tanh_law(T) if rule == "store" and kind == "random" else None})
    return rows


def ends(s: Tensor, xi: Tensor, near: float = 0.95) -> Tensor:
    """0 memory, 1 negative, 2 a mixture of three, 3 something else."""
    m = hopfield.overlap(s, xi)
    largest, which = m.abs().topk(3, 1)
    sign = m.gather(1, which).sign()
    mixed = (sign[:, :, None] * xi[which]).sum(1).sign()
    kind = torch.full((len(s),), 3)
    kind[(mixed * s).mean(1) >= near] = 2
    kind[m.min(1).values <= -near] = 1
    kind[m.max(1).values >= near] = 0
    return kind


def spurious(generator: torch.Generator) -> list[dict]:
    rows = []
    for p in (3, 5, 10, 15, 20, 30, 50, 69, 100):
        xi, start = patterns("random", p, generator), patterns("random", 1000, generator)
        w = hopfield.store(xi)
        kind = ends(hopfield.recall(w, start, generator=generator), xi)
        one, two = hopfield.recall_synchronous(w, start)
        names = ("memory", "negative", "mixture_of_three", "elsewhere")
        rows.append({"stored": p, "load": p / 500}
                    | {name: share(kind == i) for i, name in enumerate(names)}
                    | {"two_cycles": share((one != two).any(1))})
    return rows


def found(xi: Tensor, one: Tensor, end: Tensor) -> dict:
    probes = xi[:100]
    wrong = lambda s: share((s.sign() != probes)[:, 392:])
    return {"wrong_bits_1_update": wrong(one), "wrong_bits": wrong(end),
            "perfect": share((end.sign() == probes).all(1)),
            "nearest_is_it": share(torch.cdist(end, xi).argmin(1) == torch.arange(100))}


def continuous(generator: torch.Generator) -> list[dict]:
    rows = []
    for p in (100, 300, 1000, 3000, 10_000):
        xi = patterns("digits", p, generator)
        for beta in (0.01, 1 / 28, 0.1, 0.3, 1.0):
            s = one = hopfield.continuous_update(xi, hidden(xi[:100], 0.0), beta)
            for _ in range(50):
                s = hopfield.continuous_update(xi, s, beta)
            key = {"stored": p, "rule": "continuous", "beta": round(beta, 3)}
            rows.append(key | found(xi, one, s))
        for rule, store in RULES.items():
            if rule == "store" or p < 784:
                w, s = store(xi), hidden(xi[:100], -1.0)
                end = hopfield.recall(w, s, generator=generator)
                key = {"stored": p, "rule": rule, "beta": "–"}
                rows.append(key | found(xi, hopfield.synchronous(w, s), end))
    return rows


if __name__ == "__main__":
    for part, seed in chosen(RUNS, __doc__):
        rows = globals()[part](torch.Generator().manual_seed(seed))
        name = f"hopfield_{part}"
        write(name, [{"seed": seed} | row for row in rows], (*TABLES[name], "seed"))
        print(part, seed, *rows, sep="\n", flush=True)
