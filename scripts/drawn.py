"""Draws the README's pictures with the models that ship: python scripts/drawn.py

Digits, a row a model; portraits by BigGAN, a row an attribute; and portraits by their captions.
Beside them clusters.png of docs/training.md: means of clusters of digits, and samples of each.
"""
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from course_lib import show
from course_lib.core import load
from course_lib.data import digits, faces
from course_lib.data.held_out import seen, unseen
from course_lib.diffusion.clusters import clusters
from course_lib.diffusion.guidance import guided_sample
from course_lib.recipes import recipes, weights
from course_lib.recipes.unclip import faces_unclip

COLUMNS, STEPS = 20, 50
SHOWN = ("Smiling", "Sunglasses", "Wearing_Hat", "Long_Hair", "Blue_Hair")
IMAGES = Path(__file__).parents[1] / "docs" / "images"


def shipped(name: str) -> torch.nn.Module:
    return load(recipes()[name].make(), weights(name)).eval().requires_grad_(False)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(3)


y = torch.arange(COLUMNS) % 10
plain, classifier = shipped("diffusion_digits"), shipped("diffusion_classifier")
few = plain.schedule.respace(STEPS)
x_T = torch.randn(COLUMNS, 1, 28, 28, generator=rng())
rows = [shipped("gan_digits").sample(COLUMNS, generator=rng()),
        shipped("lapgan_digits").sample(COLUMNS, generator=rng()),
        shipped("biggan_digits").sample(COLUMNS, y=y, generator=rng()),
        shipped("rbm_digits").sample(COLUMNS, generator=rng()),
        shipped("igebm_digits").sample(COLUMNS, generator=rng()),
        plain.sample(COLUMNS, steps=STEPS, generator=rng()),
        shipped("diffusion_classes").sample(COLUMNS, y=y, steps=STEPS, generator=rng()),
        guided_sample(plain, few, x_T, classifier.log_prob, y, 3.0, variance=few.posterior_variance,
                      clip=True, generator=rng())]
IMAGES.joinpath("drawn.png").write_bytes(show.png(show.grid(torch.cat(rows), columns=COLUMNS)))

painter = shipped("biggan_faces")
wanted = [faces(COLUMNS, seed=5, attributes={name: True}).attributes for name in SHOWN]
portraits = torch.cat([painter.sample(COLUMNS, y=y, generator=rng()) for y in wanted])
IMAGES.joinpath("portraits.png").write_bytes(show.png(show.grid(portraits, columns=COLUMNS)))

captions = seen(15, seed=31).captions + unseen(10, seed=32).captions
fig, axes = plt.subplots(5, 5, figsize=(9, 9.4), layout="constrained")
drawn = faces_unclip().sample(25, y=captions, generator=rng())
for ax, x, caption in zip(axes.flat, drawn, captions):
    show.grid(x[None], columns=1, ax=ax)
    ax.set_title(textwrap.fill(caption, 27), fontsize=8)
IMAGES.joinpath("captions.png").write_bytes(show.png(fig))

images = digits().images
sorts, chosen = clusters(images), torch.arange(0, 50, 4)
means = torch.stack([images[sorts == k].mean(0) for k in chosen])
of_them = shipped("diffusion_clusters").sample(39, y=chosen.repeat(3), generator=rng())
fig, axes = plt.subplots(2, 1, figsize=(8, 2.9), height_ratios=(1, 3))
show.grid(means, columns=13, ax=axes[0], title="mean of a cluster")
show.grid(of_them, columns=13, ax=axes[1], title="three samples of that cluster")
IMAGES.joinpath("clusters.png").write_bytes(show.png(fig))
