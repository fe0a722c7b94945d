"""Is it the method or its steps? USPS → MNIST, where 1,200 steps leave UNIT behind the slide.

adaptation_steps: as benchmarks/adaptation.py, with other numbers of steps; four times as many for
source only, which takes a fourth of the time or less.
"""
from typing import NamedTuple

import adaptation
import torch
from common import chosen, write

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
    for method, steps, seed in chosen(RUNS, __doc__):
        row = {"method": method, "steps": steps, "seed": seed}
        row |= adaptation.measured(adaptation.Run(method, "usps", "mnist", seed), steps)
        print(row, flush=True)
        write("adaptation_steps", [row], Run._fields)
