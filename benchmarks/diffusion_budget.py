"""The digits' diffusion model after 60, 180 and 600 s of two cores: FID, precision, recall, cost -> results/diffusion_budget.csv;
FID and loss along the longest run -> results/diffusion_curve.csv.

    python diffusion_budget.py [budget:seed:sampling steps, such as 60:0:25]

A budget is counted in steps, STEPS_60 for 60 s, so that it means the same on a busy machine and repeats from its seed.
diffusion_speed.py measures how many steps a quiet machine does in that time. Models are kept in build/ for ddim_steps.py.
"""
import functools
import statistics
import sys
import time
from pathlib import Path

import torch
from common import write

from course_lib.core import load, save
from course_lib.data import digits
from course_lib.diffusion.digits import digits_ddpm, train_digits
from course_lib.evaluate import fid, score

STEPS_60 = 1600
RUNS = [(budget, seed, 25) for budget in (60, 180) for seed in range(3)] + [(600, 0, 25), (600, 0, 50)]
BUILD = Path(__file__).parents[1] / "build"


def trained(budget: int, seed: int):
    """The model of this budget and seed, trained unless build/ has it; and the History of a training."""
    path, model = BUILD / f"diffusion_{budget}_{seed}.safetensors", digits_ddpm()
    if path.exists():
        return load(model, path), None
    torch.manual_seed(seed)
    model, steps, curve = digits_ddpm(), STEPS_60 * budget // 60, []

    def measure(step, model):
        if budget == 600 and step % (steps // 5) == 0:
            x = torch.cat([model.sample(500, steps=10, generator=torch.Generator().manual_seed(i)) for i in range(10)])
            curve.append({"seed": seed, "step": step, "fid_10_steps": fid(x)})

    history = train_digits(model, digits().images, steps=steps, seed=seed, on_step=measure)
    for row in curve:
        row["loss"] = statistics.mean(history.losses["model"][row["step"] - steps // 5:row["step"]])
    if curve:
        write("diffusion_curve", curve)
    BUILD.mkdir(exist_ok=True)
    save(model, path)
    return model, history


if __name__ == "__main__":
    for budget, seed, sampling_steps in [tuple(map(int, word.split(":"))) for word in sys.argv[1:]] or RUNS:
        start = time.process_time()
        model, history = trained(budget, seed)
        cpu = time.process_time() - start
        model.sample = functools.partial(model.sample, steps=sampling_steps)
        result = score(model, digits().images, generator=torch.Generator().manual_seed(seed))
        row = {"budget": budget, "seed": seed, "training_steps": STEPS_60 * budget // 60, "sampling_steps": sampling_steps,
               "cpu_seconds": cpu if history else ""} | vars(result)
        print(row, flush=True)
        write("diffusion_budget", [row], ("budget", "seed", "sampling_steps"))
