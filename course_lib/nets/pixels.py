"""Networks of pixels. One is also told how far each is from black: steps of one level decide
likelihoods, and a convolution of x alone does not see them (as VDM's waves of x do, Kingma et al.
2021, Section 5.1, in another form)."""
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.nets.unet import UNet


class PixelUNet(nn.Module):
    """A U-Net of x = α x_0 + σ z, told tanh(u/3) of u = (x − αb)/√(σ² + α²δ²)    DDPM, Appendix B

    b = ±255/256, black and white, and δ = 2/(256 √12), the deviation within a level: u is the
    distance in units of noise. The time that it is told is that of the cosine schedule.
    """

    def __init__(self, widths: tuple[int, int] = (32, 64)):
        super().__init__()
        self.unet = UNet(3, widths, out=1)

    def forward(self, x: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """x: (batch, 1, H, W); alpha, sigma: (batch,)"""
        t = 2000 / math.pi * torch.atan2(sigma, alpha)
        alpha, sigma = (values.to(x).reshape(-1, 1, 1, 1) for values in (alpha, sigma))
        spread = (sigma**2 + alpha**2 / (12 * 128**2)).sqrt()
        far = [3 * torch.tanh((x - alpha * b * 255 / 256) / spread / 3) for b in (-1, 1)]
        return self.unet(torch.cat([x, *far], 1), t)


class PixelField(nn.Module):
    """f(z, t) = a + b z, a, b of all patches at once    Tolstikhin et al. 2021, Figure 1

    MLP-Mixer: each 4×4 pixels are a token, and matrices mix channels and tokens in turn; few
    multiplications, as an ODE asks for f many times. f moves slowly with t: a fast one would gain
    by the errors of a solver's steps. z: (batch, 1, size, size), size a multiple of 4; t: a scalar.
    """

    def __init__(self, size: int = 28, width: int = 64, blocks: int = 2):
        super().__init__()
        self.side = size // 4
        n = self.side**2
        self.into, self.out = nn.Linear(16, width), nn.Linear(width, 32)
        self.place = nn.Parameter(0.02 * torch.randn(n, width))
        self.tokens = nn.ParameterList(nn.Parameter(torch.randn(n, n) / n**0.5)
                                       for _ in range(blocks))
        self.before = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.after = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.bias = nn.Parameter(torch.zeros(n, 32))
        self.time = nn.Linear(2, 2 * blocks * width)
        nn.init.uniform_(self.time.weight, -0.35, 0.35)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, z: Tensor, t: Tensor) -> Tensor:
        angle = t.to(z) * math.pi / 2
        film = iter(self.time(torch.stack([angle.sin(), angle.cos()])).chunk(2 * len(self.tokens)))
        x = nnf.pixel_unshuffle(z, 4).flatten(2).mT
        h = self.into(x) + self.place
        for mix, before, after in zip(self.tokens, self.before, self.after):
            m = mix @ before(torch.tanh(h))
            h = h + after(torch.tanh(m * (1 + next(film)) + next(film)))
        a, b = (self.out(torch.tanh(h)) + self.bias).chunk(2, 2)
        return nnf.pixel_shuffle((a + b * x).mT.unflatten(2, (self.side, self.side)), 4)
