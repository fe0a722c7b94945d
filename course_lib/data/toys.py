"""Small distributions whose truth is known: points of the plane, images of bars and stripes."""
import math

import torch
from torch import Tensor

STD = 0.05                     # of each Gaussian of "ring" and "grid", and of the noise on "moons"


def modes(name: str) -> Tensor:
    """The centres of the Gaussians of "ring" and "grid"    ring: Metz et al. 2017, Section 3.1

    "ring": (8, 2), radius 1. "grid": (25, 2), 5 × 5, spacing ½.
    """
    if name == "ring":
        angle = torch.arange(8) * (2 * math.pi / 8)
        return torch.stack([angle.cos(), angle.sin()], 1)
    if name == "grid":
        axis = torch.arange(-2.0, 3.0) / 2
        return torch.cartesian_prod(axis, axis)
    raise ValueError(f'Modes are known of "ring" and "grid", not of {name!r}.')


def swirl_curve(u: Tensor) -> Tensor:
    """The spiral of "swirl" without its noise    Sohl-Dickstein et al. 2015, Figure 1

    u in [0, 1] is uniform. (...,) → (..., 2).
    """
    angle = 1.5 * math.pi * (1 + 2 * u)
    return torch.stack([angle.cos(), angle.sin()], -1) * (angle / (3 * math.pi))[..., None]


def toys(name: str, n: int, *, generator: torch.Generator | None = None) -> Tensor:
    """n draws of a small distribution, float32    ring: Metz et al. 2017, Section 3.1

    ring and grid: equal mixtures of Gaussians of std 0.05 (see `modes`; radius and std are this
    course's choice). moons: two half circles of radius 1 that reach into each other, centred, with
    noise of std 0.05. swirl: a spiral of one and a half turns out to radius 1.5, with the same
    noise (Sohl-Dickstein et al. 2015, Figure 1). bars: all rows or (with probability ½) all columns
    are black or white at random, "bars and stripes" (MacKay 2003, Chapter 43).
    Returns points (n, 2), of "bars" images (n, 1, 4, 4) of ±1. Errors: ValueError for another name.
    """
    if name in ("ring", "grid"):
        centres = modes(name)
        which = torch.randint(len(centres), (n,), generator=generator)
        return centres[which] + STD * torch.randn(n, 2, generator=generator)
    if name == "moons":
        angle = math.pi * torch.rand(n, generator=generator)
        lower = torch.randint(2, (n,), generator=generator)
        side = 1 - 2 * lower
        x = torch.stack([angle.cos() * side + lower, angle.sin() * side + lower / 2], 1)
        return x - torch.tensor([0.5, 0.25]) + STD * torch.randn(n, 2, generator=generator)
    if name == "swirl":
        u = torch.rand(n, generator=generator)
        return swirl_curve(u) + STD * torch.randn(n, 2, generator=generator)
    if name == "bars":
        rows = (2.0 * torch.randint(2, (n, 1, 4, 1), generator=generator) - 1).expand(n, 1, 4, 4)
        turn = torch.randint(2, (n, 1, 1, 1), generator=generator).bool()
        return torch.where(turn, rows.mT, rows)
    raise ValueError(f'The toys are "ring", "grid", "moons", "swirl" and "bars", not {name!r}.')
