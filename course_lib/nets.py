"""Networks only: no loss, no probability. What a network means is said by the model that uses it."""
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf
from torch.nn.utils.parametrizations import spectral_norm


def mlp(*widths: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """h ← activation(W h + b) between the given widths, linear at the end    Rumelhart et al. 1986, eqs. 1 and 2

    mlp(2, 128, 1): (batch, 2) → (batch, 1).
    """
    layers: list[nn.Module] = []
    for n_in, n_out in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers[:-1])


class ConvG(nn.Module):
    """z → 7×7 → 14×14 → 28×28: convolutions, batch normalisation, ReLU, tanh    DCGAN, Radford et al. 2016, Section 3

    Departs from DCGAN in the upsampling: a convolution makes 4 channels for each one, which PixelShuffle lays out as
    2×2 pixels (Shi et al. 2016, eq. 4), in place of a transposed convolution.
    """

    def __init__(self, n_z: int = 64, width: int = 32):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_z, 2 * width * 49, bias=False), nn.Unflatten(1, (2 * width, 7, 7)),
            nn.BatchNorm2d(2 * width), nn.ReLU(),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1, bias=False), nn.PixelShuffle(2),
            nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, 4, 3, padding=1), nn.PixelShuffle(2), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:          # (batch, n_z) → (batch, 1, 28, 28)
        return self.net(z)


class ConvD(nn.Module):
    """28×28 → 14×14 → 7×7 → one logit: convolutions with leaky ReLU 0.2    DCGAN, Radford et al. 2016, Section 3

    The first halving only rearranges each 2×2 pixels as 4 channels (PixelUnshuffle), the second is a strided convolution.
    Each weight is divided by its largest singular value    Miyato et al. 2018, eq. 8
    """

    def __init__(self, width: int = 32):
        super().__init__()
        self.net = nn.Sequential(
            nn.PixelUnshuffle(2), spectral_norm(nn.Conv2d(4, width, 3, padding=1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2),
            nn.Flatten(), spectral_norm(nn.Linear(2 * width * 49, 1)))

    def forward(self, x: Tensor) -> Tensor:          # (batch, 1, 28, 28) → (batch,)
        return self.net(x).squeeze(1)


class TimeEmbedding(nn.Module):
    """sin(ω_i t) and cos(ω_i t), ω_i = 10,000^(−2i/width), then two linear layers    Vaswani et al. 2017, Section 3.5"""

    def __init__(self, width: int, out: int):
        super().__init__()
        self.width = width
        self.net = nn.Sequential(nn.Linear(width, out), nn.SiLU(), nn.Linear(out, out))

    def forward(self, t: Tensor) -> Tensor:          # (batch,) → (batch, out)
        omega = torch.exp(-math.log(10_000) * torch.arange(0, self.width, 2, device=t.device) / self.width)
        angle = t[:, None].to(self.net[0].weight.dtype) * omega
        return self.net(torch.cat([angle.sin(), angle.cos()], 1))


class TimeMLP(nn.Module):
    """(x_t, t) → out numbers, for points (batch, d): x_t, sin and cos of 1, 2 and 4 times x_t, and an embedding of t, into
    linear layers with SiLU    the sines: Fourier features, Tancik et al. 2020, eq. 4, without which small networks stay too smooth

    out: d unless given.
    """

    def __init__(self, d: int = 2, width: int = 128, out: int | None = None):
        super().__init__()
        self.time = TimeEmbedding(32, 32)
        self.net = mlp(7 * d + 32, width, width, width, out or d, activation=nn.SiLU)

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:      # (batch, d), (batch,) → (batch, out)
        if y is not None:
            raise ValueError("This network knows no classes: it takes no y.")
        waves = [f(k * x) for k in (1, 2, 4) for f in (torch.sin, torch.cos)]
        return self.net(torch.cat([x, *waves, self.time(t)], 1))


class Residual(nn.Module):
    """h + F(h), F: norm, SiLU, 3×3 convolution, norm scaled and shifted by the embedding, SiLU, convolution that starts at 0

    DDPM, Ho et al. 2020, Appendix B; scale and shift: FiLM, Perez et al. 2018, eq. 2, as in Dhariwal & Nichol 2021, eq. 3.
    """

    def __init__(self, width: int, embedding: int):
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1))
        self.norm = nn.GroupNorm(8, width)
        self.film = nn.Linear(embedding, 2 * width)
        self.last = nn.Conv2d(width, width, 3, padding=1)
        for parameter in (*self.film.parameters(), *self.last.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, h: Tensor, embedding: Tensor) -> Tensor:       # (batch, width, H, W) → the same
        scale, shift = self.film(embedding)[:, :, None, None].chunk(2, 1)
        return h + self.last(nnf.silu(self.norm(self.first(h)) * (1 + scale) + shift))


class Attention(nn.Module):
    """h + W softmax(QKᵀ/√d) V over the positions of an image, W = 0 at the start    Vaswani et al. 2017, eq. 1"""

    def __init__(self, width: int):
        super().__init__()
        self.norm, self.qkv, self.out = nn.GroupNorm(8, width), nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, h: Tensor) -> Tensor:          # (batch, width, H, W) → the same
        q, k, v = self.qkv(self.norm(h)).flatten(2).mT.chunk(3, -1)                  # each (batch, H·W, width)
        return h + self.out(nnf.scaled_dot_product_attention(q, k, v).mT.unflatten(2, h.shape[2:]))


class UNet(nn.Module):
    """(x_t, t, y) → an image like x_t: 28×28 → 14×14 → 7×7 and back, with a skip connection    DDPM, Ho et al. 2020, Appendix B

    Departs from it for speed on a CPU: each 2×2 pixels become 4 channels first and are laid out again at the end
    (Shi et al. 2016, eq. 4), two residual blocks at the low level and one on the way up, attention at the low level only.
    channels: of the image; out: of the result, channels unless given; widths: of the two levels, multiples of 8;
    classes: y in 0 … classes − 1, or `classes` for "none", which y = None means for all; 0 where there are no classes.
    Errors: TypeError where y holds no whole numbers, ValueError for a class that does not exist.
    """

    def __init__(self, channels: int = 1, widths: tuple[int, int] = (32, 64), classes: int = 0, out: int | None = None):
        super().__init__()
        high, low = widths
        self.classes, embedding = classes, 2 * low
        self.time = TimeEmbedding(64, embedding)
        self.label = nn.Embedding(classes + 1, embedding) if classes else None
        self.into = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * channels, high, 3, padding=1))
        self.shrink = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * high, low, 1))
        self.middle = nn.ModuleList([Residual(low, embedding), Attention(low), Residual(low, embedding)])
        self.enlarge = nn.Sequential(nn.Conv2d(low, 4 * high, 1), nn.PixelShuffle(2))
        self.merge = nn.Conv2d(2 * high, high, 1)
        self.up = Residual(high, embedding)
        self.back = nn.Sequential(nn.GroupNorm(8, high), nn.SiLU(), nn.Conv2d(high, 4 * (out or channels), 3, padding=1), nn.PixelShuffle(2))
        for parameter in self.back[2].parameters():
            nn.init.zeros_(parameter)

    def embed(self, t: Tensor, y: Tensor | int | None) -> Tensor:    # (batch,) → (batch, embedding)
        if self.label is None:
            if y is not None:
                raise ValueError("This network knows no classes: it takes no y.")
            return nnf.silu(self.time(t))
        y = torch.as_tensor(self.classes if y is None else y, device=t.device)
        if y.dtype != torch.int64:
            raise TypeError(f"y must hold whole numbers (int64), got {y.dtype}.")
        if y.min() < 0 or y.max() > self.classes:
            raise ValueError(f"There are the classes 0 … {self.classes - 1}, and {self.classes} for none; "
                             f"got {y.min().item()} … {y.max().item()}.")
        return nnf.silu(self.time(t) + self.label(y.expand(len(t))))

    def forward(self, x: Tensor, t: Tensor, y: Tensor | int | None = None) -> Tensor:
        embedding = self.embed(t, y)
        high = self.into(x)                                          # (batch, high, H/2, W/2)
        first, attention, second = self.middle
        low = second(attention(first(self.shrink(high), embedding)), embedding)       # (batch, low, H/4, W/4)
        return self.back(self.up(self.merge(torch.cat([self.enlarge(low), high], 1)), embedding))


class NoisyConv(nn.Module):
    """(x_t, t) → logits of `classes`, for 28×28: the way down of the U-Net, then one linear layer    Dhariwal & Nichol 2021, Section 4"""

    def __init__(self, classes: int, widths: tuple[int, int] = (16, 48)):
        super().__init__()
        high, low = widths
        embedding = 2 * low
        self.time = TimeEmbedding(64, embedding)
        self.into = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, high, 3, padding=1))
        self.high = Residual(high, embedding)
        self.shrink = nn.Conv2d(high, low, 3, stride=2, padding=1)
        self.low = Residual(low, embedding)
        self.out = nn.Sequential(nn.GroupNorm(8, low), nn.SiLU(), nn.Flatten(), nn.Linear(49 * low, classes))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:               # (batch, 1, 28, 28), (batch,) → (batch, classes)
        embedding = nnf.silu(self.time(t))
        return self.out(self.low(self.shrink(self.high(self.into(x), embedding)), embedding))
