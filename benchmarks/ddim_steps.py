"""FID over the number of steps for DDIM (η = 0), η = 1 and σ̂.

Three models (seeds) of the budget of 180 s; 50 and 100 steps: one seed. For the shipped model see
ddim_many_steps.py.
"""
import time
from typing import NamedTuple

import torch
from common import chosen, write
from diffusion_budget import trained

from course_lib.diffusion import ddim
from course_lib.evaluate import fid

TABLES = {"ddim_steps": ["steps", "eta"]}


class Run(NamedTuple):
    model: int
    steps: int


RUNS = [Run(seed, steps) for seed in range(3) for steps in (5, 10, 20)]
RUNS += [Run(0, 50), Run(0, 100)]

for run in chosen(RUNS, __doc__):
    model, _ = trained("none", 180, run.model)
    model.eval()
    few = model.schedule.respace(run.steps)
    samplers = ((0.0, 0.0, None), (1.0, 1.0, None), ("σ̂", 1.0, ddim.sigma_hat(few)))
    with model.averaged(), torch.no_grad():
        for label, eta, noise_scale in samplers:
            start = time.perf_counter()
            generator, parts = torch.Generator().manual_seed(0), []
            for _ in range(10):
                x_T = torch.randn(500, 1, 28, 28, generator=generator)
                parts.append(ddim.ddim_sample(model, few, x_T, eta=eta, noise_scale=noise_scale,
                                              clip=True, generator=generator))
            seconds = (time.perf_counter() - start) / 5
            row = {"model": run.model, "steps": run.steps, "eta": label,
                   "fid": fid(torch.cat(parts)), "seconds_per_1000": seconds}
            print(row, flush=True)
            write("ddim_steps", [row], ("model", "steps", "eta"))
