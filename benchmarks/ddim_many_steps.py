"""FID of one model over 5 to 1,000 steps of DDIM (η = 0), η = 1 and σ̂. One seed.

16,000 steps of training. The weights are those that ship as diffusion_digits: t drawn uniformly, a
network without a learned map of places. Minutes on a GPU; 1,000 steps for 5,000 digits are an hour
for each sampler on one CPU thread.
"""
from typing import NamedTuple

import torch
from common import chosen, write

from course_lib.core import load
from course_lib.diffusion import ddim
from course_lib.evaluate import fid
from course_lib.recipes import weights
from course_lib.recipes.diffusion import digits_ddpm

TABLES = {"ddim_many_steps": ["steps", "eta"]}


class Run(NamedTuple):
    steps: int


device = "cuda" if torch.cuda.is_available() else "cpu"
model = load(digits_ddpm(), weights("diffusion_digits")).eval().to(device)
size = 5000 if device == "cuda" else 500
for (steps,) in chosen([Run(steps) for steps in (5, 10, 20, 50, 100, 1000)], __doc__):
    few = model.schedule.respace(steps)
    for label, eta, noise_scale in (("0.0", 0.0, None), ("1.0", 1.0, None),
                                    ("σ̂", 1.0, ddim.sigma_hat(few))):
        generator, parts = torch.Generator().manual_seed(0), []
        for _ in range(5000 // size):
            x_T = torch.randn(size, 1, 28, 28, generator=generator).to(device)
            parts.append(ddim.ddim_sample(model, few, x_T, eta=eta, noise_scale=noise_scale,
                                          clip=True, generator=generator).cpu())
        row = {"steps": steps, "eta": label, "fid": fid(torch.cat(parts)), "device": device}
        print(row, flush=True)
        write("ddim_many_steps", [row], ("steps", "eta"))
