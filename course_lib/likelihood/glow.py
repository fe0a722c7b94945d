"""Kingma & Dhariwal 2018, "Glow: Generative Flow with Invertible 1×1 Convolutions": RealNVP with a
step of three layers, and no masks but halves of channels that a learned matrix mixes in between.
"""
import torch
from torch import Tensor, nn

from course_lib.likelihood.bijections import Chain, Factored, Flatten, Squeeze, squeezed
from course_lib.nets import ConvCoupling


class ActNorm(nn.Module):
    """z = exp(log_s) ⊙ (x + b), a scale and a bias for each channel    Glow, Section 3.1

    The first batch that it sees in training mode, in `fit` the first one of the run, sets b and s
    so that its z have mean 0 and variance 1 in each channel; from then on both are learned. log
    |det| = H · W · Σ log_s (Table 1; there the bias comes after the scale). x: (batch, C, …).
    """

    def __init__(self, channels: int):
        super().__init__()
        self.b, self.log_s = (nn.Parameter(torch.zeros(channels)) for _ in range(2))
        self.register_buffer("started", torch.tensor(False))

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """b and s from a batch: z of mean 0, variance 1 in each channel    Glow, Section 3.1"""
        std, mean = torch.std_mean(x.transpose(0, 1).flatten(1), 1, unbiased=False)
        self.b.copy_(-mean)
        self.log_s.copy_(-std.clamp(min=1e-6).log())
        self.started.fill_(True)

    def columns(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return tuple(p.view(-1, *[1] * (x.ndim - 2)) for p in (self.b, self.log_s))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.training and not self.started:
            self.start(x)
        b, log_s = self.columns(x)
        log_det = x[0, 0].numel() * self.log_s.sum()
        return log_s.exp() * (x + b), log_det.expand(len(x))

    def inverse(self, z: Tensor) -> Tensor:
        b, log_s = self.columns(z)
        return z * (-log_s).exp() - b


class Mix(nn.Module):
    """z = W x at each pixel, log |det| = H · W · log |det W|    Glow, Section 3.2 and eq. 9

    An invertible 1×1 convolution: a permutation of channels that is learned, a random rotation at
    the start. Of the paper's two forms the plain one: log |det W| of c × c numbers costs O(c³), and
    c ≤ 16 here. x: (batch, C, …).
    """

    def __init__(self, channels: int):
        super().__init__()
        self.W = nn.Parameter(torch.linalg.qr(torch.randn(channels, channels)).Q)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        log_det = x[0, 0].numel() * torch.linalg.slogdet(self.W).logabsdet
        return (self.W @ x.flatten(2)).view_as(x), log_det.expand(len(x))

    def inverse(self, z: Tensor) -> Tensor:
        return torch.linalg.solve(self.W, z.flatten(2)).view_as(z)


class HalfCoupling(nn.Module):
    """z_a = s ⊙ x_a + t with (log s, t) = net(x_b), z_b = x_b    Glow, Table 1

    net: (batch, C/2, …) → (batch, C, …), 0 at the start, so that s = 1 and t = 0. As RealNVP's,
    log s is a learned scale times tanh; the authors' code has a sigmoid.
    """

    def __init__(self, net: nn.Module, channels: int):
        super().__init__()
        self.net, self.scale = net, nn.Parameter(torch.ones(channels // 2))

    def log_s_t(self, x_b: Tensor) -> tuple[Tensor, Tensor]:
        log_s, t = self.net(x_b).chunk(2, 1)
        return self.scale[:, None, None] * log_s.tanh(), t

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x_a, x_b = x.chunk(2, 1)
        log_s, t = self.log_s_t(x_b)
        return torch.cat([log_s.exp() * x_a + t, x_b], 1), log_s.flatten(1).sum(1)

    def inverse(self, z: Tensor) -> Tensor:
        z_a, z_b = z.chunk(2, 1)
        log_s, t = self.log_s_t(z_b)
        return torch.cat([(z_a - t) * (-log_s).exp(), z_b], 1)


def step(C: int, width: int, places: int = 0) -> list[nn.Module]:
    """Actnorm, invertible 1×1 convolution, affine coupling    Glow, Figure 2 (a)

    places: as `ConvCoupling`.
    """
    return [ActNorm(C), Mix(C), HalfCoupling(ConvCoupling(C // 2, C, width, places=places), C)]


def images(shape: tuple[int, int, int], widths: tuple[int, ...] = (32, 64), K: int = 6) -> Chain:
    """Squeeze, K steps, half of the channels done; again with what is left, smaller; all done
    Glow, Figure 2 (b)

    A bijection of (batch, *shape) to (batch, d). widths: of the networks, one a level, of which the
    last ones see the whole image; K: steps of each. The last coupling of a level changes the half
    that is done, told the other one, as the authors' code does when it splits.
    Errors: ValueError for a size that cannot be halved so often.
    """
    width, *smaller = widths
    C, H, W = squeezed(shape)
    places = 0 if smaller else H * W
    layers = [Squeeze(), *(layer for _ in range(K) for layer in step(C, width, places))]
    if not smaller:
        return Chain([*layers, Flatten((C, H, W))])
    return Chain([*layers, Factored((C, H, W), images((C // 2, H, W), smaller, K))])
