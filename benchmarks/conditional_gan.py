"""A conditional GAN of perceptrons on digits, as in 2014: FID, precision, recall, cost; and how
many samples show the class that was asked for, as the fixed classifier sees it. One seed."""
import time
from typing import NamedTuple

import torch
from common import chosen, write

from course_lib.data import digits
from course_lib.evaluate import classify, score
from course_lib.recipes.gan import conditional_gan, train_conditional

TABLES = {"conditional_gan": ["steps"]}


class Run(NamedTuple):
    seed: int


for run in chosen([Run(0)], __doc__):
    torch.manual_seed(run.seed)
    model = conditional_gan()
    cpu = time.process_time()
    history = train_conditional(model, seed=run.seed)
    cpu = time.process_time() - cpu
    result = score(model, digits().images, generator=torch.Generator().manual_seed(run.seed))
    y = torch.arange(5000) % 10
    x = model.sample(5000, y=y, generator=torch.Generator().manual_seed(run.seed))
    right = classify(x).argmax(1) == y
    row = {"seed": run.seed, "steps": history.steps, "seconds": history.seconds,
           "cpu_seconds": cpu} | vars(result) | {"class_shown": right.float().mean().item()}
    row |= {f"class_{k}_shown": right[y == k].float().mean().item() for k in range(10)}
    print(row, flush=True)
    write("conditional_gan", [row], ("seed",))
