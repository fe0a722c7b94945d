"""From images to a quarter of their height and width, or to a vector, and back."""
from torch import Tensor, nn


class GridEncoder(nn.Module):
    """28×28 → 14×14 → 7×7    after VQ-VAE, van den Oord et al. 2017, Section 4.1

    Departs from it for speed on a CPU: the first halving only lays 2×2 pixels out as 4 channels.
    out: channels of the result. The image's height and width are multiples of 4.
    """

    def __init__(self, out: int, channels: int = 1, width: int = 24):
        super().__init__()
        self.net = nn.Sequential(
            nn.PixelUnshuffle(2), nn.Conv2d(4 * channels, width, 3, padding=1),
            nn.BatchNorm2d(width), nn.SiLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.BatchNorm2d(2 * width), nn.SiLU(), nn.Conv2d(2 * width, out, 1))

    def forward(self, x: Tensor) -> Tensor:        # (batch, C, H, W) → (batch, out, H/4, W/4)
        return self.net(x)


class GridDecoder(nn.Module):
    """7×7 → 14×14 → 28×28    after VQ-VAE, van den Oord et al. 2017, Section 4.1

    Departs from it in the upsampling: PixelShuffle (Shi et al. 2016, eq. 4) in place of transposed
    convolutions. channels: of the code; out: of the result.
    """

    def __init__(self, channels: int, out: int = 2, width: int = 24):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(channels, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.SiLU(),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1), nn.PixelShuffle(2),
            nn.BatchNorm2d(width), nn.SiLU(),
            nn.Conv2d(width, 4 * out, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, z: Tensor) -> Tensor:        # (batch, channels, h, w) → (batch, out, 4h, 4w)
        return self.net(z)


class VectorEncoder(nn.Module):
    """An image of size × size → out numbers    after VAE, Kingma & Welling 2014, Appendix C

    Convolutions in place of one hidden layer.
    """

    def __init__(self, out: int, size: int = 28, channels: int = 1, width: int = 24,
                 hidden: int = 128):
        super().__init__()
        self.net = nn.Sequential(
            GridEncoder(width // 2, channels, width), nn.SiLU(), nn.Flatten(),
            nn.Linear(width // 2 * (size // 4) ** 2, hidden), nn.BatchNorm1d(hidden), nn.SiLU(),
            nn.Linear(hidden, out))

    def forward(self, x: Tensor) -> Tensor:        # (batch, C, size, size) → (batch, out)
        return self.net(x)


class VectorDecoder(nn.Module):
    """n_z numbers → an image of size × size    after VAE, Kingma & Welling 2014, Appendix C

    Convolutions in place of one hidden layer. out: channels of the result.
    """

    def __init__(self, n_z: int, size: int = 28, out: int = 2, width: int = 24,
                 hidden: int = 192):
        super().__init__()
        code = width // 2
        self.net = nn.Sequential(
            nn.Linear(n_z, hidden), nn.BatchNorm1d(hidden), nn.SiLU(),
            nn.Linear(hidden, code * (size // 4) ** 2),
            nn.Unflatten(1, (code, size // 4, size // 4)),
            nn.BatchNorm2d(code), nn.SiLU(), GridDecoder(code, out, width))

    def forward(self, z: Tensor) -> Tensor:        # (batch, n_z) → (batch, out, size, size)
        return self.net(z)
