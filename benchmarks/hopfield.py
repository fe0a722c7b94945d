"""How many patterns a Hopfield network holds: wrong bits after recall that starts from stored
patterns themselves, up to 100 of them, by load p/n, over three seeds.

Theory (Amit, Gutfreund & Sompolinsky 1985, 1987; n → ∞) has memories up to a load of 0.138, with
1.6 % wrong bits there, and beyond it none. At finite n some patterns are lost sooner (share with
m < 0.8), others are kept beyond, whose wrong bits are counted apart too. perfect: share of patterns
that stay as they are, perfect_theory: if units were independent, so that some always do at finite
n; one_step: wrong bits if all units change at once.
"""
from typing import NamedTuple

import torch
from common import chosen, write

from course_lib.ebm.capacity import memories, one_step, perfect, wrong_bits
from course_lib.ebm.hopfield import overlap, recall, store, synchronous

TABLES = {"hopfield_capacity": ["n", "load"]}
LOADS = (0.05, 0.08, 0.1, 0.12, 0.13, 0.138, 0.145, 0.15, 0.16, 0.18, 0.2, 0.25)


class Run(NamedTuple):
    n: int
    seed: int


def theory(load: float) -> float | None:
    """None where there are no memories; the largest load, 0.1379, is written 0.138."""
    largest = memories()[0][0].item()
    return wrong_bits(min(load, largest)) if load < largest + 5e-4 else None


def measured(run: Run, load: float, probes: int = 100) -> dict:
    generator = torch.Generator().manual_seed(run.seed)
    p = round(load * run.n)
    xi = 2.0 * torch.randint(2, (p, run.n), generator=generator) - 1
    w, start = store(xi), xi[:probes]
    m = overlap(recall(w, start, generator=generator), start).diagonal().double()
    share = lambda which: which.double().mean().item()
    kept = m[m >= 0.8]
    return {"n": run.n, "load": load, "seed": run.seed, "patterns": p,
            "wrong_bits": (1 - m.mean().item()) / 2, "lost": share(m < 0.8),
            "wrong_bits_kept": (1 - kept.mean().item()) / 2 if len(kept) else None,
            "theory": theory(load), "perfect": share(m == 1),
            "perfect_theory": perfect(load, run.n),
            "one_step": share(synchronous(w, xi) != xi), "one_step_theory": one_step(load)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    runs = chosen([Run(n, seed) for n in (250, 1000, 2000) for seed in range(3)], __doc__)
    write("hopfield_capacity", [measured(run, load) for run in runs for load in LOADS],
          keys=("n", "load", "seed"))
