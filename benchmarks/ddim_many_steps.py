"""The shipped digits' model by DDIM in 5 to 1,000 steps: FID for η = 0, η = 1 and σ̂; and there and
back, picture to code to picture. One seed.

Encoding: the first 500 test digits, error in pixels of [0, 1]. code_std is that of all pixels of
the codes; of "black" pixels, which are black in all training digits; and of the others. 1,000 steps
for 5,000 digits are minutes on a GPU and two hours on one CPU thread.
"""
from typing import NamedTuple

import torch
from common import chosen, write

from course_lib.core import load
from course_lib.data import digits
from course_lib.diffusion import ddim
from course_lib.evaluate import fid
from course_lib.recipes import weights
from course_lib.recipes.diffusion import digits_ddpm

TABLES = {"ddim_many_steps": ["steps", "eta"], "ddim_encode": ["steps"]}


class Run(NamedTuple):
    steps: int


device = "cuda" if torch.cuda.is_available() else "cpu"
model = load(digits_ddpm(), weights("diffusion_digits")).eval().to(device)
schedule, size = model.schedule, 5000 if device == "cuda" else 500
black = (digits().images == -1).all(0).flatten()
x_0 = digits("mnist", "test").images[:500].to(device)
for (steps,) in chosen([Run(steps) for steps in (5, 10, 20, 50, 100, 200, 500, 1000)], __doc__):
    code = ddim.ddim_encode(model, schedule, x_0, steps)
    back = ddim.ddim_sample(model, schedule, code, steps)
    code = code.flatten(1).cpu()
    row = {"steps": steps, "error": ((back - x_0) / 2).square().mean().item(),
           "code_std": code.std().item(), "code_std_black": code[:, black].std().item(),
           "code_std_other": code[:, ~black].std().item(), "device": device}
    print(row, flush=True)
    write("ddim_encode", [row], ("steps",))
    few = schedule.respace(steps)
    for eta, value, noise_scale in (("0.0", 0.0, None), ("1.0", 1.0, None),
                                    ("σ̂", 1.0, ddim.sigma_hat(few))):
        generator, parts = torch.Generator().manual_seed(0), []
        for _ in range(5000 // size):
            x_T = torch.randn(size, 1, 28, 28, generator=generator).to(device)
            parts.append(ddim.ddim_sample(model, few, x_T, eta=value, noise_scale=noise_scale,
                                          clip=True, generator=generator).cpu())
        row = {"steps": steps, "eta": eta, "fid": fid(torch.cat(parts)), "device": device}
        print(row, flush=True)
        write("ddim_many_steps", [row], ("steps", "eta"))
