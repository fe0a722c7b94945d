"""Is it the method or its steps? USPS → MNIST, where 1,200 steps leave UNIT behind the slide.

adaptation_steps: as benchmarks/adaptation.py, with other numbers of steps; four times as many for
source only, which takes a fourth of the time or less.
"""
import time
from typing import NamedTuple

import torch
from adaptation import accuracy, domain
from common import chosen, write

from course_lib.gan.adaptation import adapt

TABLES = {"adaptation_steps": ["method", "steps"]}


class Run(NamedTuple):
    method: str
    steps: int
    seed: int


RUNS = [Run(method, steps, seed) for seed in range(3)
        for method, steps in (("source only", 1200), ("source only", 4800),
                              ("UNIT", 1200), ("UNIT", 1800))]

if __name__ == "__main__":
    torch.set_num_threads(1)
    source, target = domain("usps", "train", "mnist"), domain("mnist", "train", "usps")
    test = domain("mnist", "test", "usps")
    for run in chosen(RUNS, __doc__):
        cpu = time.process_time()
        predict = adapt(run.method, source.images, source.labels, target.images, steps=run.steps,
                        seed=run.seed)
        cpu = time.process_time() - cpu
        row = run._asdict() | {"accuracy": accuracy(predict(test.images), test.labels),
                               "seconds": cpu}
        print(row, flush=True)
        write("adaptation_steps", [row], Run._fields)
