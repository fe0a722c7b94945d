"""The GAN on digits over three seeds: FID, precision, recall, cost; FID and losses along the way.

4,000 steps are about three CPU minutes. The distances are on the course's own features of digits,
and compare with nothing outside; bars.py measures the bars beside them.
"""
import statistics
import time
from typing import NamedTuple

import torch
from common import chosen, write

from course_lib.data import digits
from course_lib.evaluate import fid, score
from course_lib.recipes.gan import digits_gan, train_digits

TABLES = {"gan_digits": ["steps"], "gan_digits_curve": ["step"]}
STEPS = 4000
REAL = digits().images


class Run(NamedTuple):
    seed: int


for run in chosen([Run(seed) for seed in range(3)], __doc__):
    torch.manual_seed(run.seed)
    model, curve = digits_gan(), []

    def measure(step, model, curve=curve, seed=run.seed):
        if step % (STEPS // 10) == 0:
            x = model.sample(5000, generator=torch.Generator().manual_seed(0))
            curve.append({"seed": seed, "step": step, "fid": fid(x)})

    cpu = time.process_time()
    history = train_digits(model, steps=STEPS, seed=run.seed, on_step=measure)
    cpu = time.process_time() - cpu
    for row in curve:
        last = slice(row["step"] - STEPS // 10, row["step"])
        row |= {f"loss_{name}": statistics.mean(losses[last])
                for name, losses in history.losses.items()}
    result = score(model, REAL, generator=torch.Generator().manual_seed(run.seed))
    row = {"seed": run.seed, "steps": STEPS, "seconds": history.seconds,
           "cpu_seconds_with_the_curve": cpu} | vars(result)
    print(row, flush=True)
    write("gan_digits", [row], ("seed",))
    write("gan_digits_curve", curve, ("seed", "step"))
