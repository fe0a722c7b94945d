"""The networks of pix2pix: a discriminator of patches, and a generator that is a U-Net."""
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf
from torch.nn.utils.parametrizations import spectral_norm


def patch_layers(r: int) -> list[tuple[int, int]]:
    """(kernel, stride) of each convolution of a D of r×r pixels    pix2pix, Section 6.1.2

    Kernel 4; a times stride 2, then b times stride 1, so that r = 3·2^a (b + 1) − 2. The paper's
    16, 70 and 286 have b = 2; where r cannot, b is as small as it can be. r = 1 is three 1×1
    convolutions. Errors: ValueError where no such stack has the receptive field r.
    """
    if r == 1:
        return 3 * [(1, 1)]
    m, remainder = divmod(r + 2, 3)                  # 2^a (b + 1)
    if remainder or m < 3:
        raise ValueError("With kernels of 4 a patch has 1, 7, 10, 13, 16, … pixels a side (1, or 3 "
                         f"more each time from 7), not {r}.")
    a = int(math.log2(m & -m))
    a -= m == 2**a                                   # b is at least 1
    return a * [(4, 2)] + (m // 2**a - 1) * [(4, 1)]


class PatchD(nn.Module):
    """D(picture) → one logit for each patch of r×r pixels, run convolutionally
    pix2pix, Isola et al. 2017, Sections 3.2.2 and 6.1.2

    (batch, channels, H, W) → (batch, 1, h, w): neighbours look `jump` pixels further, and
    h = ⌊(H − r)/jump⌋ + 1. Leaky ReLU 0.2; widths double, to 4·width at most.
    Departs from the paper so that a logit depends on its own patch and on nothing else: no batch
    normalisation, whose statistics are of the whole batch (instead each weight is divided by its
    largest singular value, Miyato et al. 2018, eq. 8), and no padding, whose zeros would tell a
    patch that it lies at the edge. So a pixel at the frame lies in fewer patches than others do.
    Errors: ValueError for an r that no stack has, and for a picture smaller than the patch.
    """

    def __init__(self, channels: int, r: int, width: int = 32):
        super().__init__()
        self.r, layers = r, patch_layers(r)
        self.jump = math.prod(stride for _, stride in layers)
        widths = [channels, *(width * min(2**i, 4) for i in range(len(layers) - 1)), 1]
        net: list[nn.Module] = []
        for (kernel, stride), n_in, n_out in zip(layers, widths[:-1], widths[1:], strict=True):
            net += [spectral_norm(nn.Conv2d(n_in, n_out, kernel, stride)), nn.LeakyReLU(0.2)]
        self.net = nn.Sequential(*net[:-1])

    def forward(self, x: Tensor) -> Tensor:          # (batch, channels, H, W) → (batch, 1, h, w)
        if min(x.shape[2:]) < self.r:
            height, width = x.shape[2:]
            raise ValueError(f"A patch of {self.r}×{self.r} pixels does not fit into a picture of "
                             f"{height}×{width}; take a D with a smaller r.")
        return self.net(x)


class UNetG(nn.Module):
    """(condition, z) → picture: H×W → H/2 → H/4 and back, with skips    pix2pix, Section 3.2.1

    condition (batch, condition_channels, H, W), z (batch, n_z) → (batch, channels, H, W), tanh.
    Departs from the paper, whose only noise is dropout: z joins as n_z constant maps at the
    smallest size, so that a generator's seed means one picture. Two halvings in place of eight;
    PixelShuffle (Shi et al. 2016, eq. 4) in place of transposed convolutions; a skip at full size.
    Errors: ValueError for sides that 4 does not divide.
    """

    def __init__(self, condition_channels: int, channels: int, n_z: int = 16, width: int = 32):
        super().__init__()
        self.n_z = n_z
        self.full = nn.Conv2d(condition_channels, width // 2, 3, padding=1)
        self.high = nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(width // 2, width, 4, 2, 1),
                                  nn.BatchNorm2d(width))
        self.low = nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(width, 2 * width, 4, 2, 1),
                                 nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2))
        self.middle = nn.Sequential(
            nn.Conv2d(2 * width + n_z, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width),
            nn.ReLU(), nn.Conv2d(2 * width, 4 * width, 3, padding=1), nn.PixelShuffle(2),
            nn.BatchNorm2d(width))
        self.up = nn.Sequential(
            nn.ReLU(), nn.Conv2d(2 * width, 2 * width, 3, padding=1), nn.PixelShuffle(2),
            nn.BatchNorm2d(width // 2))
        self.out = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, condition: Tensor, z: Tensor) -> Tensor:
        height, width = condition.shape[2:]
        if height % 4 or width % 4:
            raise ValueError(f"The sides must be multiples of 4, got {height}×{width}.")
        full = self.full(condition)                              # (batch, width/2, H, W)
        high = self.high(full)                                   # (batch, width, H/2, W/2)
        low = self.low(high)                                     # (batch, 2 width, H/4, W/4)
        maps = z[:, :, None, None].expand(-1, -1, *low.shape[2:])
        up = self.up(torch.cat([self.middle(torch.cat([low, maps], 1)), high], 1))
        return self.out(nnf.relu(torch.cat([up, full], 1))).tanh()
