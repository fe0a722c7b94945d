"""There and back by DDIM, picture to code to picture, in 10 to 1,000 steps; the shipped model. One
seed.

The first 20 test digits, error in pixels of [0, 1]; times that begin at T/steps, or at 50.
codes_black: the codes' standard deviation in pixels that are black in all training digits;
codes_ink: in the others. About a CPU minute.
"""
from typing import NamedTuple

from common import chosen, write

from course_lib.core import load
from course_lib.data import digits
from course_lib.diffusion import ddim
from course_lib.recipes import weights
from course_lib.recipes.diffusion import digits_ddpm

TABLES = {"ddim_encode": ["begin", "steps"]}


class Run(NamedTuple):
    begin: str
    steps: int


RUNS = [Run("T/steps", steps) for steps in (10, 20, 50, 100, 200, 1000)]
RUNS += [Run("50", steps) for steps in (20, 50, 100, 200)]
model = load(digits_ddpm(), weights("diffusion_digits")).eval()
black = (digits().images == -1).all(0).flatten()
x_0 = digits("mnist", "test").images[:20]
for begin, steps in chosen(RUNS, __doc__):
    late = [50 + 950 * i // (steps - 1) for i in range(steps)]
    times = late if begin == "50" else steps
    code = ddim.ddim_encode(model, model.schedule, x_0, times)
    back = ddim.ddim_sample(model, model.schedule, code, times)
    code = code.flatten(1)
    row = {"begin": begin, "steps": steps, "error": ((back - x_0) / 2).square().mean().item(),
           "codes_ink": code[:, ~black].std().item(), "codes_black": code[:, black].std().item()}
    print(row, flush=True)
    write("ddim_encode", [row], ("begin", "steps"))
