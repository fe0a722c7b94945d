"""Dinh et al. 2017, "Density estimation using Real NVP": layers that change half of their input,
scaled and shifted by what a network makes of the other half. `points` is of the plane, `images` has
several scales; `Flow` makes densities of both. Departs from the paper: no batch normalisation.
"""
import torch
from torch import Tensor, nn

from course_lib.likelihood.bijections import Chain, Factored, Flatten, Squeeze, squeezed
from course_lib.nets import ConvCoupling, smooth_mlp


class Coupling(nn.Module):
    """z = b ⊙ x + (1 − b) ⊙ (x ⊙ exp s(b ⊙ x) + t(b ⊙ x))    Dinh et al. 2017, eq. 9

    net(b ⊙ x), (batch, C, …) → (batch, 2C, …), gives t and, through a learned scale times tanh, s.
    The Jacobian is triangular: log |det| = Σ (1 − b) s (eq. 6). mask: b, of a shape that
    broadcasts to x's; channels: C.
    """

    def __init__(self, net: nn.Module, mask: Tensor, channels: int):
        super().__init__()
        self.net = net
        self.register_buffer("b", mask, persistent=False)
        self.scale = nn.Parameter(torch.ones(channels))

    def s_t(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """s and t, 0 where b = 1    Dinh et al. 2017, Sections 3.4 and 4.1"""
        s, t = self.net(self.b * x).chunk(2, 1)
        scale = self.scale.view(-1, *[1] * (x.ndim - 2))
        return (1 - self.b) * scale * s.tanh(), (1 - self.b) * t

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (batch, C, …) → z, and log |det ∂z/∂x|, nats, (batch,)    Dinh et al. 2017, eq. 9"""
        s, t = self.s_t(x)
        return x * s.exp() + t, s.flatten(1).sum(1)

    def inverse(self, z: Tensor) -> Tensor:
        """x = b ⊙ z + (1 − b) ⊙ (z − t) ⊙ exp(−s)    Dinh et al. 2017, eq. 8

        b ⊙ z = b ⊙ x: the network reads what it read before.
        """
        s, t = self.s_t(z)
        return (z - t) * (-s).exp()


def alternating(make, mask: Tensor, channels: int, n: int) -> list[Coupling]:
    """n couplings with the masks b, 1 − b, b, …    Dinh et al. 2017, Section 3.5

    What one leaves as it is the next one changes. make(): a network.
    """
    return [Coupling(make(), mask if i % 2 == 0 else 1 - mask, channels) for i in range(n)]


def points(d: int = 2, n: int = 8, width: int = 64) -> Chain:
    """n couplings of points (batch, d)    Dinh et al. 2017, eqs. 4 and 5"""
    net = lambda: smooth_mlp(d, width, width, 2 * d)
    return Chain(alternating(net, (torch.arange(d) < d // 2).float(), d, n))


def checkerboard(H: int, W: int) -> Tensor:
    """b = 1 where row + column is odd    Dinh et al. 2017, Section 3.4; (1, H, W)"""
    return ((torch.arange(H)[:, None] + torch.arange(W)) % 2)[None].float()


def half_of_channels(C: int) -> Tensor:
    """b = 1 in the first half of the channels    Dinh et al. 2017, Section 3.4; (C, 1, 1)"""
    return (torch.arange(C) < C // 2).float()[:, None, None]


def images(shape: tuple[int, int, int], widths: tuple[int, ...] = (32, 48, 48),
           n: int = 2) -> Chain:
    """Checkerboard couplings, squeeze, couplings of channels, half factored out; again with what is
    left, smaller; checkerboard couplings at the end    Dinh et al. 2017, Section 3.6

    A bijection of (batch, *shape) to (batch, d). widths: of the networks, one a scale; n: couplings
    of a kind, and 2n at the end, of networks that see the whole image. Large images are folded for
    the networks of checkerboards. Errors: ValueError for a size that cannot be halved so often.
    """
    C, H, W = shape
    width, *smaller = widths
    if not smaller:
        net = lambda: ConvCoupling(C, 2 * C, width, places=H * W)
        return Chain([*alternating(net, checkerboard(H, W), C, 2 * n), Flatten(shape)])
    net = lambda: ConvCoupling(C, 2 * C, width, fold=2)
    layers = alternating(net, checkerboard(H, W), C, n)
    C, H, W = squeezed(shape)
    net = lambda: ConvCoupling(C, 2 * C, width)
    layers += [Squeeze(), *alternating(net, half_of_channels(C), C, n)]
    return Chain([*layers, Factored((C, H, W), images((C // 2, H, W), smaller, n))])
