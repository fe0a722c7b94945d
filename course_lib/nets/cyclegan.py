"""Generators of CycleGAN: residual networks from picture to picture."""
from torch import Tensor, nn


def _layer(n_in: int, n_out: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, padding_mode="reflect"),
            nn.InstanceNorm2d(n_out, affine=True)]


class ResidualBlock(nn.Module):
    """h + F(h), F: two 3×3 convolutions with instance normalisation    Johnson et al. 2016, Sec. 2

    No ReLU after the sum. Borders are reflected (CycleGAN, Section 7.2).
    """

    def __init__(self, width: int):
        super().__init__()
        self.net = nn.Sequential(*_layer(width, width, 3), nn.ReLU(), *_layer(width, width, 3))

    def forward(self, h: Tensor) -> Tensor:          # (batch, width, H, W) → the same
        return h + self.net(h)


class ResnetG(nn.Module):
    """x → H/2 → residual blocks → c, m at H; (1 − m) x + m c    CycleGAN, Section 7.2, in small

    (batch, channels, H, W) → the same. The paper's stack for pictures of 128 pixels has kernels of
    7 at both ends, two halvings, 64 to 256 channels and six blocks. Departs from it: the new
    picture c (tanh) is laid over x by a mask m in (0, 1), as in GANimation (Pumarola et al. 2018),
    so that what need not change costs no training; PixelShuffle (Shi et al. 2016, eq. 4) in place
    of a transposed convolution. Errors: ValueError for odd sides.
    """

    def __init__(self, channels: int, width: int = 16, blocks: int = 3):
        super().__init__()
        self.net = nn.Sequential(
            *_layer(channels, width, 5), nn.ReLU(),
            *_layer(width, 2 * width, 3, 2), nn.ReLU(),
            *(ResidualBlock(2 * width) for _ in range(blocks)),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1, padding_mode="reflect"),
            nn.PixelShuffle(2), nn.InstanceNorm2d(width, affine=True), nn.ReLU(),
            nn.Conv2d(width, channels + 1, 5, padding=2, padding_mode="reflect"))

    def painted(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """c (batch, channels, H, W), and where it is laid: m (batch, 1, H, W)."""
        height, width = x.shape[2:]
        if height % 2 or width % 2:
            raise ValueError(f"The sides must be even, got {height}×{width}.")
        c, m = self.net(x).split([x.shape[1], 1], 1)
        return c.tanh(), (m - 2).sigmoid()           # m starts low: G starts near the identity

    def forward(self, x: Tensor) -> Tensor:          # (batch, channels, H, W) → the same
        c, m = self.painted(x)
        return (1 - m) * x + m * c


class OffsetG(ResnetG):
    """x + 2 c, cut to [−1, 1], c as in `ResnetG`    Shen & Liu 2017, Section 3, with one network

    (batch, channels, H, W) → the same. For domains that differ everywhere, as in style: a mask
    closes there before c is any good, and then neither learns. Errors: ValueError for odd sides.
    """

    def forward(self, x: Tensor) -> Tensor:          # (batch, channels, H, W) → the same
        c, _ = self.painted(x)
        return (x + 2 * c).clamp(-1, 1)
