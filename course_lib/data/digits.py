"""Real digits."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch


class Digits(NamedTuple):
    images: torch.Tensor
    labels: torch.Tensor


@cache
def _embedded(name, split):
    z = np.load(Path(__file__).parent / f"{name}.npz")
    images = torch.from_numpy(z[f"{split}_images"])
    if name == "usps":
        images = torch.nn.functional.pad(images, (6, 6, 6, 6))
    return images[:, None], torch.from_numpy(z[f"{split}_labels"]).long()


def digits(name: str = "mnist", split: str = "train") -> Digits:
    images, labels = _embedded(name, split)
    return Digits(images.float() / 127.5 - 1, labels.clone())
