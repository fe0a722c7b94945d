"""Generators and discriminators of digits: perceptrons as in 2014, convolutions as in 2016."""
import torch
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


class Maxout(nn.Module):
    """h_i = max_j (W_ij · x + b_ij), j over the pieces    Goodfellow et al. 2013, Section 3"""

    def __init__(self, n_in: int, n_out: int, pieces: int):
        super().__init__()
        self.linear, self.pieces = nn.Linear(n_in, n_out * pieces), pieces

    def forward(self, x: Tensor) -> Tensor:          # (batch, n_in) → (batch, n_out)
        return self.linear(x).unflatten(1, (-1, self.pieces)).amax(2)


class PerceptronG(nn.Module):
    """z → ReLU → ReLU → a sigmoid for each pixel    Goodfellow et al. 2014, Section 5

    Departs from the paper in batch normalisation (Ioffe & Szegedy 2015), without which so small a
    run stays grainy, and in its widths, 1,200 in the authors' code.
    """

    def __init__(self, n_z: int = 100, width: int = 200, size: int = 28):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_z, width), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Linear(width, size**2), nn.Sigmoid(), nn.Unflatten(1, (1, size, size)))

    def forward(self, z: Tensor) -> Tensor:          # (batch, n_z) → (batch, 1, size, size)
        return 2 * self.net(z) - 1                   # pixels in [-1, 1]


class MaxoutD(nn.Module):
    """x → maxout → maxout → one logit, with dropout    Goodfellow et al. 2014, Section 5

    The authors' code has 240 units of 5 pieces and drops half of the units.
    """

    def __init__(self, width: int = 48, pieces: int = 3, size: int = 28):
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.2), Maxout(size**2, width, pieces),
            nn.Dropout(0.2), Maxout(width, width, pieces), nn.Dropout(0.2), nn.Linear(width, 1))

    def forward(self, x: Tensor) -> Tensor:          # (batch, 1, size, size) → (batch,)
        return self.net(x).squeeze(1)


class ConditionalG(nn.Module):
    """(z, y) → a layer each → one for both → pixels    Mirza & Osindero 2014, Section 4.1

    The paper's widths are 200, 1,000 and 1,200. Batch normalisation as PerceptronG.
    """

    def __init__(self, classes: int = 10, n_z: int = 100, size: int = 28):
        super().__init__()
        self.z, self.y = nn.Linear(n_z, 150), nn.Linear(classes, 50)
        self.both = nn.Sequential(
            nn.BatchNorm1d(200), nn.ReLU(), nn.Linear(200, 200), nn.BatchNorm1d(200), nn.ReLU(),
            nn.Linear(200, size**2), nn.Sigmoid(), nn.Unflatten(1, (1, size, size)))

    def forward(self, z: Tensor, y: Tensor) -> Tensor:         # (batch, n_z), (batch, classes)
        return 2 * self.both(torch.cat([self.z(z), self.y(y)], 1)) - 1


class ConditionalD(nn.Module):
    """(x, y) → maxout each → maxout for both → one logit    Mirza & Osindero 2014, Section 4.1

    The paper has 240 units of 5 pieces for x, 50 of 5 for y and 240 of 4 for both, and
    drops half of the units, with which our narrow D learns little of the class.
    """

    def __init__(self, classes: int = 10, size: int = 28):
        super().__init__()
        self.x = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), Maxout(size**2, 48, 3))
        self.y = Maxout(classes, 32, 3)
        self.both = nn.Sequential(
            nn.Dropout(0.2), Maxout(80, 48, 3), nn.Dropout(0.2), nn.Linear(48, 1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:         # images, (batch, classes) → (batch,)
        return self.both(torch.cat([self.x(x), self.y(y)], 1)).squeeze(1)
