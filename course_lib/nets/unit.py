"""Networks of several domains that share their high-level layers: encoder, generator,
discriminator. Domains are numbered from 0; only the layers next to the pixels are their own."""
from torch import Tensor, nn


class CoupledE(nn.Module):
    """E_k(x) → the mean of z, (batch, n_z, H/4, W/4)    UNIT, Liu et al. 2017, Section 3

    Low-level layers E.low[k] a domain, high-level layers E.high shared. x: (batch, channels, H, W)
    of domain k, with sides that 4 divides.
    """

    def __init__(self, domains: int = 2, channels: int = 1, n_z: int = 8, width: int = 16):
        super().__init__()
        self.low = nn.ModuleList(nn.Sequential(
            nn.PixelUnshuffle(2), nn.Conv2d(4 * channels, width, 3, padding=1),
            nn.BatchNorm2d(width), nn.LeakyReLU(0.2)) for _ in range(domains))
        self.high = nn.Sequential(
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2), nn.Conv2d(2 * width, n_z, 3, padding=1))

    def forward(self, x: Tensor, k: int) -> Tensor:
        return self.high(self.low[k](x))


class CoupledG(nn.Module):
    """G_k(z) → x of domain k    UNIT, Liu et al. 2017, Section 3

    High-level layers G.high shared, low-level layers G.low[k] a domain. z: (batch, n_z, H/4, W/4) →
    (batch, channels, H, W), tanh. PixelShuffle (Shi et al. 2016, eq. 4) enlarges.
    """

    def __init__(self, domains: int = 2, channels: int = 1, n_z: int = 8, width: int = 16):
        super().__init__()
        self.high = nn.Sequential(
            nn.Conv2d(n_z, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1), nn.PixelShuffle(2),
            nn.BatchNorm2d(width), nn.LeakyReLU(0.2))
        self.low = nn.ModuleList(nn.Sequential(
            nn.Conv2d(width, 4 * channels, 3, padding=1), nn.PixelShuffle(2), nn.Tanh())
            for _ in range(domains))

    def forward(self, z: Tensor, k: int) -> Tensor:
        return self.low[k](self.high(z))


class CoupledD(nn.Module):
    """D_k: x → h → logits of real, and of classes    CoGAN, Liu & Tuzel 2016, Section 5

    Low-level layers D.low[k] a domain; D.high, which gives the features h (batch, n_h), and both
    heads are shared. x: (batch, channels, size, size).
    """

    def __init__(self, domains: int = 2, channels: int = 1, size: int = 28, classes: int = 10,
                 n_h: int = 128, width: int = 16):
        super().__init__()
        self.n_h = n_h
        self.low = nn.ModuleList(nn.Sequential(
            nn.Conv2d(channels, width, 5, padding=2), nn.MaxPool2d(2), nn.LeakyReLU(0.2))
            for _ in range(domains))
        self.high = nn.Sequential(
            nn.Conv2d(width, 2 * width, 5, padding=2), nn.MaxPool2d(2), nn.LeakyReLU(0.2),
            nn.Flatten(), nn.Linear(2 * width * (size // 4) ** 2, n_h), nn.LeakyReLU(0.2))
        self.real, self.classes = nn.Linear(n_h, 1), nn.Linear(n_h, classes)

    def features(self, x: Tensor, k: int) -> Tensor:             # → (batch, n_h)
        return self.high(self.low[k](x))

    def forward(self, x: Tensor, k: int) -> Tensor:              # → (batch,)
        return self.real(self.features(x, k)).squeeze(1)

    def classify(self, x: Tensor, k: int) -> Tensor:             # → (batch, classes)
        return self.classes(self.features(x, k))


class VectorG(nn.Module):
    """z (batch, n_z) → maps for `CoupledG`, so that it draws from noise    CoGAN, Section 3"""

    def __init__(self, n_z: int = 64, maps: int = 8, side: int = 7):
        super().__init__()
        self.n_z = n_z
        self.net = nn.Sequential(nn.Linear(n_z, maps * side**2, bias=False),
                                 nn.Unflatten(1, (maps, side, side)), nn.BatchNorm2d(maps),
                                 nn.LeakyReLU(0.2))

    def forward(self, z: Tensor) -> Tensor:
        return self.net(z)
