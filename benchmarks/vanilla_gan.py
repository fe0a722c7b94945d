"""A GAN of perceptrons on digits, as in 2014, over three seeds: FID, precision, recall, cost.

Beside it, of seed 0, what the same noise becomes at some moments of training: vanilla_gan.npz, as
8-bit images. The distances compare with those of gan_digits.py and bars.py, and nothing outside.
"""
import time
from typing import NamedTuple

import numpy as np
import torch
from common import RESULTS, chosen, write

from course_lib.data import digits
from course_lib.evaluate import score
from course_lib.recipes.gan import train_vanilla, vanilla_gan

TABLES = {"vanilla_gan": ["steps"]}
MOMENTS = (1, 30, 100, 300, 600, 1000, 1500, 2000, 3000, 4000, 5000, 6000)
REAL = digits().images


class Run(NamedTuple):
    seed: int


for run in chosen([Run(seed) for seed in range(3)], __doc__):
    torch.manual_seed(run.seed)
    model, frames = vanilla_gan(), {}

    def keep(step, model, frames=frames):
        if step in MOMENTS:
            x = model.sample(40, generator=torch.Generator().manual_seed(0))
            frames[step] = ((x + 1) * 127.5).round().byte().numpy()

    cpu = time.process_time()
    history = train_vanilla(model, seed=run.seed, on_step=keep)
    cpu = time.process_time() - cpu
    result = score(model, REAL, generator=torch.Generator().manual_seed(run.seed))
    row = {"seed": run.seed, "steps": history.steps, "seconds": history.seconds,
           "cpu_seconds": cpu} | vars(result)
    print(row, flush=True)
    write("vanilla_gan", [row], ("seed",))
    if run.seed == 0:
        np.savez_compressed(RESULTS / "vanilla_gan.npz", steps=np.array(list(frames)),
                            images=np.stack(list(frames.values())))
