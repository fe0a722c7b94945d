"""Accuracy on digits of a target of which no label was seen, beside the labels of a source.

adaptation: `course_lib.gan.adaptation.adapt` with its own steps; source and target are the training
digits of MNIST (10,000) and USPS (7,000), and 10,000 drawn house numbers ("street", in SVHN's
place); accuracy is on the target's 2,000 test digits, which nothing else has seen. seconds are CPU
seconds of one thread; parameters are those trained.
"""
import time
from typing import NamedTuple

import torch
from common import chosen, write
from torch import Tensor

from course_lib.data import Digits, digits
from course_lib.data.adaptation import as_street
from course_lib.data.street import street_digits
from course_lib.evaluate import parameters
from course_lib.gan.adaptation import METHODS, adapt

TABLES = {"adaptation": ["method", "source", "target"]}
PAIRS = (("mnist", "usps"), ("usps", "mnist"), ("street", "mnist"))


class Run(NamedTuple):
    method: str
    source: str
    target: str
    seed: int


def accuracy(classes: Tensor, labels: Tensor) -> float:
    return (classes == labels).float().mean().item()


def domain(name: str, split: str, other: str) -> Digits:
    """The digits of a domain, in the form in which those of the other come too."""
    if name == "street":
        return street_digits(*((10_000, 0) if split == "train" else (2_000, 1)))
    x, labels = digits(name, split)
    return Digits(as_street(x) if other == "street" else x, labels)


def measured(run: Run, steps: int | None = None) -> dict:
    source = domain(run.source, "train", run.target)
    target, test = (domain(run.target, split, run.source) for split in ("train", "test"))
    start = time.process_time()
    predict = adapt(run.method, source.images, source.labels, target.images, steps=steps,
                    seed=run.seed)
    seconds = time.process_time() - start
    return {"accuracy": accuracy(predict(test.images), test.labels), "seconds": seconds,
            "parameters": parameters(predict.model)}


RUNS = [Run(method, source, target, seed) for seed in range(3) for source, target in PAIRS
        for method in METHODS]

if __name__ == "__main__":
    torch.set_num_threads(1)
    for run in chosen(RUNS, __doc__):
        row = run._asdict() | measured(run)
        print(row, flush=True)
        write("adaptation", [row], ("method", "source", "target", "seed"))
