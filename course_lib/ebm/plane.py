"""Energies of points (n, d) that are known exactly: mixtures of Gaussians, with any noise added to
them, and a double well."""
import math

import torch
from torch import Tensor


class Mixture:
    """p(x) = Σ_k w_k N(x; μ_k, s² I)    Bishop 2006, eq. 9.7

    centres: μ, (K, d); std: s, one number; weights: w, (K,), equal unless given. With s = 0 it is
    the law of a finite data set, which `smoothed` gives a density.
    Errors: ValueError for weights that are not positive or do not sum to 1.
    """

    def __init__(self, centres: Tensor, std: float, weights: Tensor | None = None):
        if weights is None:
            weights = centres.new_full((len(centres),), 1 / len(centres))
        if (weights.shape != centres.shape[:1] or not (weights > 0).all()
                or abs(weights.sum() - 1) > 1e-5):
            raise ValueError(f"{len(centres)} centres need as many weights above 0, of sum 1.")
        self.centres, self.std, self.weights = centres, std, weights

    def smoothed(self, sigma: float) -> "Mixture":
        """The law of x + σz, z ~ N(0, I): s² becomes s² + σ²    Vincent 2011, Section 4.2"""
        return Mixture(self.centres, math.hypot(self.std, sigma), self.weights)

    def _joint(self, x: Tensor) -> Tensor:                     # log w_k N(x; μ_k, s² I), (n, K)
        square = (x[:, None] - self.centres).square().sum(-1) / self.std**2
        return self.weights.log() - (square + x.shape[-1] * math.log(2 * math.pi * self.std**2)) / 2

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) = log Σ_k w_k N(x; μ_k, s² I)    Bishop 2006, eq. 9.7

        x: (n, d). Returns (n,), nats.
        """
        return self._joint(x).logsumexp(1)

    def energy(self, x: Tensor) -> Tensor:
        """E(x) = −log p(x), so that Z = 1    Bishop 2006, eq. 9.7

        x: (n, d). Returns (n,), nats.
        """
        return -self.log_prob(x)

    def score(self, x: Tensor) -> Tensor:
        """∇ log p(x) = (Σ_k p(k | x) μ_k − x)/s²    p(k | x): Bishop 2006, eq. 9.13

        x: (n, d). Returns (n, d).
        """
        return (self._joint(x).softmax(1) @ self.centres - x) / self.std**2

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """k ~ w, then x ~ N(μ_k, s² I), (n, d)    Bishop 2006, Section 9.2"""
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        mu = self.centres[k]
        return mu + self.std * torch.randn(mu.shape, generator=generator, dtype=mu.dtype)


def double_well(x: Tensor, height: float = 3.0) -> Tensor:
    """E(x) = h (x_1² − 1)² + ½ Σ_{i>1} x_i²: two wells at x_1 = ±1, and h nats between them

    The quartic potential of Kramers 1940. x: (n, d). Returns (n,), nats.
    """
    return height * (x[:, 0]**2 - 1)**2 + x[:, 1:].square().sum(-1) / 2
