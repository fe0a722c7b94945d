"""FID over the number of steps for DDIM (η = 0), η = 1 and σ̂ -> results/ddim_steps.csv. Three models (seeds), of 180 s
each; 50 and 100 steps, and the shipped model: one seed.     python ddim_steps.py [model, such as 0 1 2 shipped]"""
import sys
import time

import torch
from common import write
from diffusion_budget import trained

from course_lib.core import load
from course_lib.diffusion import ddim
from course_lib.diffusion.digits import WEIGHTS, digits_ddpm
from course_lib.evaluate import fid

torch.set_grad_enabled(False)
for name in sys.argv[1:] or ["0", "1", "2", "shipped"]:
    model = load(digits_ddpm(), WEIGHTS["digits"]) if name == "shipped" else trained(180, int(name))[0]
    model.eval()
    with model.averaged():
        for steps in (5, 10, 20, 50, 100) if name == "0" else (5, 10, 20):
            for eta in (0.0, 1.0, ddim.SIGMA_HAT):
                start = time.perf_counter()
                generator = torch.Generator().manual_seed(0)
                parts = []
                for _ in range(10):
                    x_T = torch.randn(500, 1, 28, 28, generator=generator)
                    parts.append(ddim.ddim_sample(model, model.schedule, x_T, steps, eta, clip=True, generator=generator))
                x = torch.cat(parts)
                row = {"model": name, "steps": steps, "eta": eta, "fid": fid(x), "seconds_per_1000": (time.perf_counter() - start) / 5}
                print(row, flush=True)
                write("ddim_steps", [row], ("model", "steps", "eta"))
