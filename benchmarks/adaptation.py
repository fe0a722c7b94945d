"""Accuracy on digits of a target of which no label was seen, beside the labels of a source.

adaptation: `course_lib.gan.adaptation.adapt` with its own steps; source and target are the training
digits of MNIST (10,000) and USPS (7,000), accuracy is on the target's 2,000 test digits, which
nothing else has seen. seconds are CPU seconds of one thread; parameters are those trained.
"""
import time
from typing import NamedTuple

import torch
from common import chosen, write
from torch import Tensor

from course_lib.data import digits
from course_lib.evaluate import parameters
from course_lib.gan.adaptation import METHODS, adapt

TABLES = {"adaptation": ["method", "source", "target"]}


class Run(NamedTuple):
    method: str
    source: str
    target: str
    seed: int


def accuracy(classes: Tensor, labels: Tensor) -> float:
    return (classes == labels).float().mean().item()


def measured(run: Run) -> dict:
    source, target, test = digits(run.source), digits(run.target), digits(run.target, "test")
    cpu = time.process_time()
    predict = adapt(run.method, source.images, source.labels, target.images, seed=run.seed)
    cpu = time.process_time() - cpu
    return {"accuracy": accuracy(predict(test.images), test.labels), "seconds": cpu,
            "parameters": parameters(predict.model) if predict.model else 0}


RUNS = [Run(method, source, target, seed) for seed in range(3) for method in METHODS
        for source, target in (("mnist", "usps"), ("usps", "mnist"))
        if not (method == "SA" and seed)]             # SA has no randomness

if __name__ == "__main__":
    torch.set_num_threads(1)
    for run in chosen(RUNS, __doc__):
        row = run._asdict() | measured(run)
        print(row, flush=True)
        write("adaptation", [row], ("method", "source", "target", "seed"))
