"""Generators and discriminators of the levels of a LAPGAN."""
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class CoarseG(nn.Module):
    """z → a small picture, densely connected    LAPGAN, Denton et al. 2015, Section 3.1

    Two hidden layers with batch normalisation and ReLU, tanh at the end.
    """

    def __init__(self, n_z: int = 64, size: int = 7, width: int = 256, channels: int = 1):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_z, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Linear(width, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Linear(width, channels * size**2), nn.Tanh(),
            nn.Unflatten(1, (channels, size, size)))

    def forward(self, z: Tensor) -> Tensor:          # (batch, n_z) → (batch, C, size, size)
        return self.net(z)


class CoarseD(nn.Module):
    """A small picture → one logit, convolutional

    Departs from LAPGAN's dense one (Denton et al. 2015, Section 3.1), as a stroke may be anywhere.
    Spectral normalisation (Miyato et al. 2018, eq. 8) bounds the slope in x, and small pictures lie
    close together: at 7×7 four times closer than at 28×28. So x is multiplied by `scale` first.
    """

    def __init__(self, size: int = 7, width: int = 32, channels: int = 1, scale: float = 8.0):
        super().__init__()
        self.scale, last = scale, (size + 1) // 2
        self.net = nn.Sequential(
            spectral_norm(nn.Conv2d(channels, width, 3, padding=1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)), nn.LeakyReLU(0.2),
            nn.Flatten(), spectral_norm(nn.Linear(2 * width * last**2, 1)))

    def forward(self, x: Tensor) -> Tensor:          # (batch, C, size, size) → (batch,)
        return self.net(self.scale * x).squeeze(1)


class DetailG(nn.Module):
    """(l_k, z) → h with −1 ≤ l + h ≤ 1    LAPGAN, Denton et al. 2015, Section 3.1

    The noise z is one more plane of the picture l, as in the paper. Departs from it: works on
    blocks of 2×2 pixels laid out as channels (Shi et al. 2016, eq. 4), normalises batches, and
    h = tanh(a + 2 l) − l, so that the sum is a picture.
    """

    def __init__(self, width: int = 32, channels: int = 1):
        super().__init__()
        self.net = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * channels + 4, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, 4 * channels, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, l_k: Tensor, z: Tensor) -> Tensor:     # (batch, C, H, W), (batch, 1, H, W)
        return torch.tanh(self.net(torch.cat([l_k, z], 1)) + 2 * l_k) - l_k


class DetailD(nn.Module):
    """l + h → one logit    LAPGAN, Denton et al. 2015, Section 3.1

    Built like `ConvD` (Radford et al. 2016, Section 3), for pictures of any even size; `scale` is
    as in `CoarseD`. The picture l comes in by this sum alone, as in the paper.
    """

    def __init__(self, size: int, width: int = 32, channels: int = 1, scale: float = 1.0):
        super().__init__()
        self.scale, last = scale, (size // 2 + 1) // 2
        self.net = nn.Sequential(
            nn.PixelUnshuffle(2),
            spectral_norm(nn.Conv2d(4 * channels, width, 3, padding=1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)), nn.LeakyReLU(0.2),
            nn.Flatten(), spectral_norm(nn.Linear(2 * width * last**2, 1)))

    def forward(self, x: Tensor) -> Tensor:          # (batch, C, size, size) → (batch,)
        return self.net(self.scale * x).squeeze(1)
