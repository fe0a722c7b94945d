"""The networks inside of coupling layers."""
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf


class ConvCoupling(nn.Module):
    """What a coupling reads → numbers for each pixel, (batch, channels, H, W) → (batch, out, H, W)
    RealNVP, Dinh et al. 2017, Section 3.4

    Three 3×3 convolutions with SiLU, the middle one a residual, the last one 0 at the start. fold:
    to be fast, fold × fold pixels become channels first and are laid out again at the end (Shi et
    al. 2016, eq. 4). places: H·W of small images, whose pixels a matrix mixes, too, so that each
    one sees all the others and where it is (MLP-Mixer, Tolstikhin et al. 2021, eq. 1); 0 without.
    A channel of ones tells the convolutions where the image ends.
    """

    def __init__(self, channels: int, out: int, width: int = 32, fold: int = 1, places: int = 0):
        super().__init__()
        self.unfold, self.fold = nn.PixelUnshuffle(fold), nn.PixelShuffle(fold)
        self.first = nn.Conv2d(channels * fold**2 + 1, width, 3, padding=1)
        self.mix = nn.Linear(places, places) if places else None
        self.middle = nn.Conv2d(width, width, 3, padding=1)
        self.last = nn.Conv2d(width, out * fold**2, 3, padding=1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        x = self.unfold(x)
        h = self.first(torch.cat([x, torch.ones_like(x[:, :1])], 1))
        if self.mix is not None:
            h = h + self.mix(nnf.silu(h).flatten(2)).view_as(h)
        h = h + self.middle(nnf.silu(h))
        return self.fold(self.last(nnf.silu(h)))
