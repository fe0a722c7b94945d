"""The class-conditional BigGAN on digits over three seeds: FID, precision, recall, cost; and how
many samples show the class that was asked for, as the fixed classifier sees it.

1,500 steps are 80 CPU seconds or so on one thread, well within three minutes on two cores: the runs
are counted in steps, as a clock would count what else the machine does.
"""
import time
from typing import NamedTuple

import torch
from common import chosen, write

from course_lib.data import digits
from course_lib.evaluate import classify, score
from course_lib.recipes.biggan import digits_biggan, train_digits

TABLES = {"biggan": ["steps"]}


class Run(NamedTuple):
    seed: int


for run in chosen([Run(seed) for seed in range(3)], __doc__):
    torch.manual_seed(run.seed)
    model = digits_biggan()
    cpu = time.process_time()
    history = train_digits(model, seed=run.seed)
    cpu = time.process_time() - cpu
    with model.averaged():                              # standing statistics once for all samples
        result = score(model, digits().images, generator=torch.Generator().manual_seed(run.seed))
        y = torch.arange(2000) % 10
        x = model.sample(2000, y=y, generator=torch.Generator().manual_seed(run.seed))
    shown = (classify(x).argmax(1) == y).float().mean().item()
    row = {"seed": run.seed, "steps": history.steps, "seconds": history.seconds,
           "cpu_seconds": cpu} | vars(result) | {"class_shown": shown}
    print(row, flush=True)
    write("biggan", [row], ("seed",))
