"""FID over the number of steps for DDIM (η = 0), η = 1 and σ̂ -> results/ddim_steps.csv. Three models (seeds), of 180 s
each; 50 and 100 steps, and the shipped model: one seed.     python ddim_steps.py [model:steps, such as 0:5 shipped:20]"""
import sys
import time

import torch
from common import write
from diffusion_budget import trained

from course_lib.core import load
from course_lib.diffusion import ddim
from course_lib.evaluate import fid
from course_lib.recipes import weights
from course_lib.recipes.diffusion import digits_ddpm

RUNS = [f"{seed}:{steps}" for seed in range(3) for steps in (5, 10, 20)] + ["0:50", "0:100", "shipped:10", "shipped:50"]
for name, steps in [run.split(":") for run in sys.argv[1:] or RUNS]:
    model = load(digits_ddpm(), weights("diffusion_digits")) if name == "shipped" else trained("none", 180, int(name))[0]
    model.eval()
    few = model.schedule.respace(int(steps))
    with model.averaged(), torch.no_grad():
        for label, eta, noise_scale in ((0.0, 0.0, None), (1.0, 1.0, None), ("σ̂", 1.0, ddim.sigma_hat(few))):
            start = time.perf_counter()
            generator, parts = torch.Generator().manual_seed(0), []
            for _ in range(10):
                x_T = torch.randn(500, 1, 28, 28, generator=generator)
                parts.append(ddim.ddim_sample(model, few, x_T, eta=eta, noise_scale=noise_scale, clip=True, generator=generator))
            x = torch.cat(parts)
            row = {"model": name, "steps": steps, "eta": label, "fid": fid(x), "seconds_per_1000": (time.perf_counter() - start) / 5}
            print(row, flush=True)
            write("ddim_steps", [row], ("model", "steps", "eta"))
