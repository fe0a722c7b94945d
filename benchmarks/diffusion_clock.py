"""The digits' diffusion model after so many seconds by the clock of this machine, k-means included:
steps done, FID of 5,000 samples in 25 steps.

Threads: 2

diffusion_budget.py counts steps instead; this says what seconds buy here, on a quiet machine, with
Adam and with Muon, which gets further in few steps. The rows of 2026-11-25 are of a network without
its map of places (`nets.Place`), and of t drawn uniformly.
"""
import time
from typing import NamedTuple

import torch
from common import chosen, write
from diffusion_budget import IMAGES, labelled

from course_lib.diffusion.clusters import MixtureOverClasses
from course_lib.evaluate import score
from course_lib.optim import Muon
from course_lib.recipes.diffusion import digits_ddpm, train_digits

TABLES = {"diffusion_clock": ["labels", "optimiser", "budget"]}
OPTIMISERS = {"Adam": torch.optim.Adam, "Muon": Muon}


class Run(NamedTuple):
    labels: str
    optimiser: str
    budget: int
    seed: int


RUNS = [Run("clusters", optimiser, 60, seed) for seed in range(3) for optimiser in OPTIMISERS]
RUNS += [Run("clusters", "Muon", 180, seed) for seed in range(3)]
RUNS += [Run("clusters", "Adam", 180, 0), Run("clusters", "Muon", 600, 0)]
RUNS += [Run("none", "Muon", 60, 0), Run("none", "Muon", 180, 0)]

for run in chosen(RUNS, __doc__):
    labelled.cache_clear()
    start = time.perf_counter()
    y = labelled(run.labels)
    torch.manual_seed(run.seed)
    model = digits_ddpm(0 if y is None else int(y.max()) + 1)
    history = train_digits(model, IMAGES, y, seconds=run.budget - (time.perf_counter() - start),
                           seed=run.seed, optimiser=OPTIMISERS[run.optimiser])
    generator = torch.Generator().manual_seed(run.seed)
    result = score(MixtureOverClasses(model, y, 25), IMAGES, generator=generator)
    row = {"labels": run.labels, "optimiser": run.optimiser, "budget": run.budget,
           "seed": run.seed, "training_steps": history.steps, "fid": result.fid,
           "precision": result.precision, "recall": result.recall}
    print(row, flush=True)
    write("diffusion_clock", [row], ("labels", "optimiser", "budget", "seed"))
