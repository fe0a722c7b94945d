"""Draws the README's picture with the models that ship, a row a model: python scripts/drawn.py"""
from pathlib import Path

import torch

from course_lib import show
from course_lib.core import load
from course_lib.diffusion.guidance import guided_sample
from course_lib.recipes import recipes, weights

COLUMNS, STEPS = 20, 50


def shipped(name: str) -> torch.nn.Module:
    return load(recipes()[name].make(), weights(name)).eval().requires_grad_(False)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(3)


y = torch.arange(COLUMNS) % 10
plain, classifier = shipped("diffusion_digits"), shipped("diffusion_classifier")
few = plain.schedule.respace(STEPS)
x_T = torch.randn(COLUMNS, 1, 28, 28, generator=rng())
rows = [shipped("gan_digits").sample(COLUMNS, generator=rng()),
        plain.sample(COLUMNS, steps=STEPS, generator=rng()),
        shipped("diffusion_classes").sample(COLUMNS, y=y, steps=STEPS, generator=rng()),
        guided_sample(plain, few, x_T, classifier.log_prob, y, 3.0, variance=few.posterior_variance,
                      clip=True, generator=rng())]
figure = show.grid(torch.cat(rows), columns=COLUMNS)
Path(__file__).parents[1].joinpath("docs", "images", "drawn.png").write_bytes(show.png(figure))
