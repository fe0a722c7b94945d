"""The digits' diffusion model after so many seconds by the clock of this machine, k-means included: steps done, FID of 5,000
samples in 25 steps -> results/diffusion_clock.csv. diffusion_budget.py counts steps instead; this says what seconds buy here.

    OMP_NUM_THREADS=2 python diffusion_clock.py [labels:optimiser:seconds:seed, such as clusters:Muon:60:0]    on a quiet machine
"""
import sys
import time

import torch
from common import write
from diffusion_budget import IMAGES, labelled

from course_lib.diffusion.clusters import MixtureOverClasses
from course_lib.evaluate import score
from course_lib.optim import Muon
from course_lib.recipes.diffusion import digits_ddpm, train_digits

OPTIMISERS = {"Adam": torch.optim.Adam, "Muon": Muon}
RUNS = [f"clusters:{optimiser}:60:{seed}" for seed in range(3) for optimiser in OPTIMISERS]
RUNS += [f"clusters:Muon:180:{seed}" for seed in range(3)]
RUNS += ["clusters:Adam:180:0", "clusters:Muon:600:0", "none:Muon:60:0", "none:Muon:180:0"]

for run in sys.argv[1:] or RUNS:
    labels, optimiser, (budget, seed) = *run.split(":")[:2], map(int, run.split(":")[2:])
    labelled.cache_clear()
    start = time.perf_counter()
    y = labelled(labels)
    torch.manual_seed(seed)
    model = digits_ddpm(0 if y is None else int(y.max()) + 1)
    history = train_digits(model, IMAGES, y, seconds=budget - (time.perf_counter() - start), seed=seed, optimiser=OPTIMISERS[optimiser])
    result = score(MixtureOverClasses(model, y, 25), IMAGES, generator=torch.Generator().manual_seed(seed))
    row = {"labels": labels, "optimiser": optimiser, "budget": budget, "seed": seed, "training_steps": history.steps, "fid": result.fid,
           "precision": result.precision, "recall": result.recall}
    print(row, flush=True)
    write("diffusion_clock", [row], ("labels", "optimiser", "budget", "seed"))
