"""The GAN on digits over three seeds: FID, precision, recall, cost -> results/gan_digits.csv; FID and losses along the way
-> results/gan_digits_curve.csv.     python gan_digits.py [seeds, such as 0 1 2]"""
import statistics
import sys
import time

import torch
from common import write

from course_lib.data import digits
from course_lib.evaluate import fid, score
from course_lib.recipes.gan import digits_gan, train_digits

STEPS = 4000
rows, curve = [], []
real = digits().images
for seed in [int(argument) for argument in sys.argv[1:]] or range(3):
    torch.manual_seed(seed)
    model = digits_gan()

    def measure(step, model, seed=seed):
        if step % (STEPS // 10) == 0:
            curve.append({"seed": seed, "step": step, "fid": fid(model.sample(5000, generator=torch.Generator().manual_seed(0)))})

    cpu = time.process_time()
    history = train_digits(model, steps=STEPS, seed=seed, on_step=measure)
    cpu = time.process_time() - cpu
    for row in curve:
        if row["seed"] == seed:
            row |= {f"loss_{name}": statistics.mean(losses[row["step"] - STEPS // 10:row["step"]])
                    for name, losses in history.losses.items()}
    result = score(model, real, generator=torch.Generator().manual_seed(seed))
    rows.append({"seed": seed, "steps": STEPS, "seconds": history.seconds, "cpu_seconds_with_the_curve": cpu} | vars(result))
    print(rows[-1], flush=True)
write("gan_digits", rows)
write("gan_digits_curve", curve)
