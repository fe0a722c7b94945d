"""The networks of DeePSiM: a classifier whose features are a code, and the code's way back to a
picture."""
import torch
from torch import Tensor, nn


class ConvE(nn.Module):
    """x → maps → n_h features h ≥ 0 → logits    Krizhevsky et al. 2012, Section 3.5, in small

    x (batch, channels, size, size), with a size that 4 divides → (batch, classes). Two 3×3
    convolutions, each followed by a strided one in place of pooling (Springenberg et al. 2015,
    Section 2), then one linear layer with ReLU, whose output is the code (AlexNet's fc6).
    """

    def __init__(self, channels: int = 1, size: int = 28, classes: int = 10, n_h: int = 64,
                 width: int = 16):
        super().__init__()
        self.maps = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, stride=2, padding=1), nn.ReLU())
        self.hidden = nn.Linear(2 * width * (size // 4) ** 2, n_h)
        self.logits = nn.Linear(n_h, classes)

    def features(self, x: Tensor) -> Tensor:         # (batch, channels, size, size) → (batch, n_h)
        return self.hidden(self.maps(x).flatten(1)).relu()

    def forward(self, x: Tensor) -> Tensor:          # → (batch, classes)
        return self.logits(self.features(x))


class UpconvG(nn.Module):
    """h → size/4 → size/2 → size    Dosovitskiy & Brox 2016, Section 4.1, in small

    h (batch, n_h) → (batch, channels, size, size), tanh. Leaky ReLU 0.2; batch normalisation, which
    theirs lacks; PixelShuffle (Shi et al. 2016, eq. 4) in place of upconvolutions.
    """

    def __init__(self, channels: int = 1, size: int = 28, n_h: int = 64, width: int = 32):
        super().__init__()
        self.n_h, side = n_h, size // 4
        self.net = nn.Sequential(
            nn.Linear(n_h, 2 * width * side**2, bias=False),
            nn.Unflatten(1, (2 * width, side, side)),
            nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1, bias=False), nn.PixelShuffle(2),
            nn.BatchNorm2d(width), nn.LeakyReLU(0.2),
            nn.Conv2d(width, 4 * channels, 3, padding=1), nn.PixelShuffle(2), nn.Tanh())

    def forward(self, h: Tensor) -> Tensor:          # (batch, n_h) → (batch, channels, size, size)
        return self.net(h)


class CodeD(nn.Module):
    """(x, h) → one logit: is x real, as the picture of the code h?    Dosovitskiy & Brox 2016, S. 4

    x (batch, channels, size, size), h (batch, n_h) → (batch,). As theirs, features of the picture
    are joined with the code, then two linear layers. Each weight is divided by its largest singular
    value (Miyato et al. 2018, eq. 8) in place of dropout.
    """

    def __init__(self, channels: int = 1, size: int = 28, n_h: int = 64, width: int = 24):
        super().__init__()
        sn = nn.utils.parametrizations.spectral_norm
        self.maps = nn.Sequential(
            nn.PixelUnshuffle(2),
            sn(nn.Conv2d(4 * channels, width, 3, padding=1)), nn.LeakyReLU(0.2),
            sn(nn.Conv2d(width, width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2), nn.Flatten())
        self.judge = nn.Sequential(
            sn(nn.Linear(width * (size // 4) ** 2 + n_h, 64)), nn.LeakyReLU(0.2),
            sn(nn.Linear(64, 1)))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return self.judge(torch.cat([self.maps(x), h], 1)).squeeze(1)
