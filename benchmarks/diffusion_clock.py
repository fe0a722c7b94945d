"""The model of clusters after so many seconds by the clock of this machine, k-means included: steps done, FID
-> results/diffusion_clock.csv. diffusion_budget.py counts steps instead; this says what its budgets are worth here.

    OMP_NUM_THREADS=2 python diffusion_clock.py [seconds:seed, such as 60:0]        on a quiet machine
"""
import sys
import time

import torch
from common import write
from diffusion_budget import IMAGES, OfTheData, labelled

from course_lib.diffusion.digits import digits_ddpm, train_digits
from course_lib.evaluate import score

for budget, seed in [map(int, run.split(":")) for run in sys.argv[1:] or ("60:0", "60:1", "60:2", "180:0")]:
    labelled.cache_clear()
    start = time.perf_counter()
    y = labelled("clusters")
    torch.manual_seed(seed)
    model = digits_ddpm(int(y.max()) + 1)
    history = train_digits(model, IMAGES, y, seconds=budget - (time.perf_counter() - start), seed=seed)
    result = score(OfTheData(model, y, 25), IMAGES, generator=torch.Generator().manual_seed(seed))
    row = {"budget": budget, "seed": seed, "training_steps": history.steps, "sampling_steps": 25, "fid": result.fid}
    print(row, flush=True)
    write("diffusion_clock", [row], ("budget", "seed"))
