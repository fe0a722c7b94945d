"""Seeded inputs of the checks: the same seed draws the same numbers."""
import torch
from torch import Tensor


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def uniform(rng: torch.Generator, *shape: int, low: float = 0.1, high: float = 0.9) -> Tensor:
    """Numbers between low and high, float64."""
    return torch.empty(shape, dtype=torch.float64).uniform_(low, high, generator=rng)


def probabilities(rng: torch.Generator, *shape: int, dtype: torch.dtype) -> Tensor:
    """Random tables, each of which sums to 1 over the last dimension."""
    return torch.randn(shape, dtype=dtype, generator=rng).softmax(-1)


def random_alpha_bar(rng: torch.Generator, T: int) -> Tensor:
    """ᾱ_0 … ᾱ_T of T steps that keep 60 to 95 percent each, float64; it follows no rule."""
    alpha = uniform(rng, T, low=0.6, high=0.95)
    return torch.cat([torch.ones(1, dtype=torch.float64), alpha]).cumprod(0)


def random_pairs(rng: torch.Generator, T: int, n: int) -> tuple[Tensor, Tensor]:
    """n pairs s < t of 0 … T; the first goes from 0, the second over a single step."""
    s, t = torch.rand(n, T + 1, generator=rng).argsort(1)[:, :2].sort(1).values.T
    s[0], t[0] = 0, t[0].clamp(min=2)
    if n > 1:
        s[1] = t[1] - 1
    return s.contiguous(), t.contiguous()


def random_subsequence(rng: torch.Generator, T: int, n: int) -> Tensor:
    """n different times of 1 … T in increasing order, the last of them T."""
    early = torch.randperm(T - 1, generator=rng)[:n - 1].sort().values + 1
    return torch.cat([early, torch.tensor([T])])
