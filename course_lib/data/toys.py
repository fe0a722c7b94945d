"""Small distributions whose truth is known: points in the plane, and the images of bars and stripes."""

import math

import torch


def modes(name: str) -> torch.Tensor:
    if name == "ring":
        a = torch.arange(8) * (2 * math.pi / 8)
        return torch.stack([a.cos(), a.sin()], 1)
    g = torch.arange(-2.0, 3)
    return torch.cartesian_prod(g, g) / 2


def toys(name: str, n: int, *, generator: torch.Generator | None = None) -> torch.Tensor:
    """n points of a toy distribution, (n, 2) float32: "ring" (8 Gaussians, radius 1, sigma 0.05), "grid", "moons"."""
    if name in ("ring", "grid"):
        c = modes(name)
        k = torch.randint(len(c), (n,), generator=generator)
        return c[k] + 0.05 * torch.randn(n, 2, generator=generator)
    if name == "moons":
        a = math.pi * torch.rand(n, generator=generator)
        s = torch.randint(2, (n,), generator=generator)
        x = torch.stack([a.cos() * (1 - 2 * s) + s, a.sin() * (1 - 2 * s) + 0.5 * s], 1)
        return x - torch.tensor([0.5, 0.25]) + 0.05 * torch.randn(n, 2, generator=generator)
    raise ValueError(f'toys knows "ring", "grid" and "moons", but not {name!r}.')
