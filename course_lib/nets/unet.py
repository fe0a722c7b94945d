"""The U-Net of diffusion models, and its way down as a classifier."""
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.nets.blocks import Attention, Residual
from course_lib.nets.time import TimeEmbedding


class UNet(nn.Module):
    """(x_t, t, y) → an image like x_t: 28×28 → 14×14 → 7×7 and back    DDPM, Appendix B

    With a skip connection (Ho et al. 2020). Departs from it for speed on a CPU: each 2×2 pixels
    become 4 channels first and are laid out again at the end (Shi et al. 2016, eq. 4), two residual
    blocks at the low level and one on the way up, attention at the low level only.
    channels: of the image; out: of the result, channels unless given; widths: of the two levels,
    multiples of 8; classes: y in 0 … classes − 1, or `classes` for "none", which y = None means for
    all; 0 where there are no classes.
    Errors: TypeError where y holds no whole numbers, ValueError for a class that does not exist.
    """

    def __init__(self, channels: int = 1, widths: tuple[int, int] = (32, 64), classes: int = 0,
                 out: int | None = None):
        super().__init__()
        high, low = widths
        self.classes, embedding = classes, 2 * low
        self.time = TimeEmbedding(64, embedding)
        self.label = nn.Embedding(classes + 1, embedding) if classes else None
        self.into = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * channels, high, 3, padding=1))
        self.shrink = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * high, low, 1))
        self.middle = nn.ModuleList(
            [Residual(low, embedding), Attention(low), Residual(low, embedding)])
        self.enlarge = nn.Sequential(nn.Conv2d(low, 4 * high, 1), nn.PixelShuffle(2))
        self.merge = nn.Conv2d(2 * high, high, 1)
        self.up = Residual(high, embedding)
        self.back = nn.Sequential(
            nn.GroupNorm(8, high), nn.SiLU(),
            nn.Conv2d(high, 4 * (out or channels), 3, padding=1), nn.PixelShuffle(2))
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
            raise ValueError(f"There are the classes 0 … {self.classes - 1}, and {self.classes} "
                             f"for none; got {y.min().item()} … {y.max().item()}.")
        return nnf.silu(self.time(t) + self.label(y.expand(len(t))))

    def forward(self, x: Tensor, t: Tensor, y: Tensor | int | None = None) -> Tensor:
        embedding = self.embed(t, y)
        high = self.into(x)                                              # (batch, high, H/2, W/2)
        first, attention, second = self.middle
        low = first(self.shrink(high), embedding)                        # (batch, low, H/4, W/4)
        low = second(attention(low), embedding)
        merged = self.merge(torch.cat([self.enlarge(low), high], 1))     # (batch, high, H/2, W/2)
        return self.back(self.up(merged, embedding))


class Place(nn.Module):
    """h + P, with a learned vector P_ij for each position    Gehring et al. 2017, Section 3.1

    P = 0 at the start. Convolutions treat all positions alike, and attention does; what tells them
    where they are is only the padding of the border.
    """

    def __init__(self, width: int, size: int):
        super().__init__()
        self.map = nn.Parameter(torch.zeros(width, size, size))

    def forward(self, h: Tensor) -> Tensor:          # (batch, width, size, size) → the same
        return h + self.map


class PlacedUNet(UNet):
    """The same network; at its low level it knows where it is    Gehring et al. 2017, Section 3.1

    For images of one size: size × size, a multiple of 4.
    """

    def __init__(self, channels: int = 1, widths: tuple[int, int] = (32, 64), classes: int = 0,
                 size: int = 28):
        super().__init__(channels, widths, classes)
        self.shrink.append(Place(widths[1], size // 4))


class NoisyConv(nn.Module):
    """(x_t, t) → logits of `classes`, for 28×28    Dhariwal & Nichol 2021, Section 4

    The way down of the U-Net, then one linear layer.
    """

    def __init__(self, classes: int, widths: tuple[int, int] = (16, 48)):
        super().__init__()
        high, low = widths
        embedding = 2 * low
        self.time = TimeEmbedding(64, embedding)
        self.into = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, high, 3, padding=1))
        self.high = Residual(high, embedding)
        self.shrink = nn.Conv2d(high, low, 3, stride=2, padding=1)
        self.low = Residual(low, embedding)
        self.out = nn.Sequential(
            nn.GroupNorm(8, low), nn.SiLU(), nn.Flatten(), nn.Linear(49 * low, classes))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:               # → (batch, classes)
        embedding = nnf.silu(self.time(t))
        high = self.high(self.into(x), embedding)                    # (batch, high, 14, 14)
        low = self.low(self.shrink(high), embedding)                 # (batch, low, 7, 7)
        return self.out(low)
