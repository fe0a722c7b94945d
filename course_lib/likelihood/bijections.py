"""Maps with an inverse and the logarithm of their Jacobian's determinant, and densities from them.

A bijection is a module with forward(x) → (z, log_det), from data to base, and inverse(z) → x;
log_det = log |det ∂z/∂x|, in nats, (batch,). Here are those that RealNVP and Glow have in common
(Dinh et al. 2017, "Density estimation using Real NVP").
"""
import math

import torch
from torch import Tensor, nn

from course_lib.core import GenerativeModel, sampling


class Chain(nn.ModuleList):
    """z = f_K(… f_1(x)), log |det ∂z/∂x| = Σ_k log |det ∂f_k|    Dinh et al. 2017, Section 3.5

    Chain([f_1, …, f_K]). The log-determinants add because a Jacobian of a chain is a product.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        total = x.new_zeros(len(x))
        for f in self:
            x, log_det = f(x)
            total = total + log_det
        return x, total

    def inverse(self, z: Tensor) -> Tensor:
        for f in reversed(self):
            z = f.inverse(z)
        return z


class Shift(nn.Module):
    """z = x + c, log_det = 0, with a fixed c.

    Where most pixels have one value, it is put at 0, which no scale moves.
    """

    def __init__(self, c: float):
        super().__init__()
        self.c = c

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x + self.c, x.new_zeros(len(x))

    def inverse(self, z: Tensor) -> Tensor:
        return z - self.c


def squeezed(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(C, H, W) → (4C, H/2, W/2)    Dinh et al. 2017, Section 3.6

    Errors: ValueError for odd H or W.
    """
    C, H, W = shape
    if H % 2 or W % 2:
        raise ValueError(f"Only even heights and widths can be squeezed, not {H} and {W}.")
    return 4 * C, H // 2, W // 2


class Squeeze(nn.Module):
    """(C, H, W) → (4C, H/2, W/2): each 2×2 pixels become channels    Dinh et al. 2017, Section 3.6

    It only rearranges: log_det = 0. Errors: ValueError for odd H or W.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        squeezed(x.shape[1:])
        return nn.functional.pixel_unshuffle(x, 2), x.new_zeros(len(x))

    def inverse(self, z: Tensor) -> Tensor:
        return nn.functional.pixel_shuffle(z, 2)


class Flatten(nn.Module):
    """(batch, *shape) → (batch, d), log_det = 0; it knows the shape that goes back."""

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.flatten(1), x.new_zeros(len(x))

    def inverse(self, z: Tensor) -> Tensor:
        return z.unflatten(1, self.shape)


class Factored(nn.Module):
    """z = (z_1, f(h)) where (z_1, h) are x's halves of channels    Dinh et al. 2017, Section 3.6

    z_1 is done, and f, a bijection to (batch, d/2), goes on with h. x: (batch, *shape).
    Returns (batch, d).
    """

    def __init__(self, shape: tuple[int, ...], f: nn.Module):
        super().__init__()
        self.shape, self.f = (shape[0] // 2, *shape[1:]), f

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z_1, h = x.chunk(2, 1)
        z_2, log_det = self.f(h)
        return torch.cat([z_1.flatten(1), z_2], 1), log_det

    def inverse(self, z: Tensor) -> Tensor:
        z_1, z_2 = z.chunk(2, 1)
        return torch.cat([z_1.unflatten(1, self.shape), self.f.inverse(z_2)], 1)


class Flow(GenerativeModel):
    """log p(x) = log N(f(x); 0, I) + log |det ∂f/∂x|    Dinh et al. 2017, eqs. 2 and 3

    f: a bijection of (batch, *shape) to (batch, d), d the product of shape.
    """

    def __init__(self, f: nn.Module, shape: tuple[int, ...]):
        super().__init__()
        self.f, self.shape = f, tuple(shape)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x), exact    Dinh et al. 2017, eqs. 2 and 3

        x: (batch, *shape). Returns nats, (batch,). Errors: ValueError for another shape.
        """
        if x.shape[1:] != self.shape:
            raise ValueError(f"This flow is of points of shape {self.shape}, not of "
                             f"{tuple(x.shape[1:])}.")
        z, log_det = self.f(x)
        return -(z**2 + math.log(2 * math.pi)).sum(1) / 2 + log_det

    def loss(self, x: Tensor, player: str) -> Tensor:
        """−log p(x)/d, the mean over the batch    Dinh et al. 2017, eq. 1"""
        return -self.log_prob(x).mean() / x[0].numel()

    @sampling
    def sample(self, n: int, *, y=None, temperature: float = 1.0,
               generator: torch.Generator | None = None) -> Tensor:
        """x = f⁻¹(z), z ~ N(0, T² I)    Dinh et al. 2017, Section 3.1; T: Glow, 2018, Section 6

        temperature: T = 1 draws from p; T < 1, nearer to the typical. Returns (n, *shape).
        Errors: ValueError for a class y, which no flow here knows, and for T < 0.
        """
        if y is not None:
            raise ValueError("This flow is unconditional: it takes no class y.")
        if not temperature >= 0:
            raise ValueError(f"A temperature is at least 0, not {temperature}.")
        z = torch.randn(n, math.prod(self.shape), generator=generator).to(next(self.parameters()))
        return self.f.inverse(temperature * z)
