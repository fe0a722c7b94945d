"""Generator and discriminator of digits."""
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class ConvG(nn.Module):
    """z → 7×7 → 14×14 → 28×28    DCGAN, Radford et al. 2016, Section 3

    Convolutions, batch normalisation, ReLU, tanh. Departs from DCGAN in the upsampling: a
    convolution makes 4 channels for each one, which PixelShuffle lays out as 2×2 pixels (Shi et al.
    2016, eq. 4), in place of a transposed convolution. size: a multiple of 4.
    """

    def __init__(self, n_z: int = 64, width: int = 32, size: int = 28):
        super().__init__()
        last = size // 4
        self.net = nn.Sequential(
            nn.Linear(n_z, 2 * width * last**2, bias=False),
            nn.Unflatten(1, (2 * width, last, last)),
            nn.BatchNorm2d(2 * width), nn.ReLU(),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1, bias=False), nn.PixelShuffle(2),
            nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, 4, 3, padding=1), nn.PixelShuffle(2), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:          # (batch, n_z) → (batch, 1, size, size)
        return self.net(z)


class ConvD(nn.Module):
    """28×28 → 14×14 → 7×7 → one logit    DCGAN, Radford et al. 2016, Section 3

    Convolutions with leaky ReLU 0.2. The first halving only rearranges each 2×2 pixels as 4
    channels (PixelUnshuffle), the second is a strided convolution. Each weight is divided by its
    largest singular value (Miyato et al. 2018, eq. 8). size: a multiple of 4.
    """

    def __init__(self, width: int = 32, size: int = 28):
        super().__init__()
        self.net = nn.Sequential(
            nn.PixelUnshuffle(2),
            spectral_norm(nn.Conv2d(4, width, 3, padding=1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2),
            nn.Flatten(), spectral_norm(nn.Linear(2 * width * (size // 4)**2, 1)))

    def forward(self, x: Tensor) -> Tensor:          # (batch, 1, size, size) → (batch,)
        return self.net(x).squeeze(1)
