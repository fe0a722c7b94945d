"""van den Oord et al. 2016a, "Pixel Recurrent Neural Networks": a convolution whose kernel is
masked, so that it knows the pixels before, and PixelCNN, the network of them, with its blind spot.
"""
import torch
from torch import Tensor, nn


class MaskedConv(nn.Conv2d):
    """(mask ⊙ W) ∗ h, which knows the pixels before, with itself (B) or without (A)
    van den Oord et al. 2016a, Section 3.4

    (batch, into, H, W) → (batch, out, H, W). kernel: its side, odd; kind: "A" or "B".
    """

    def __init__(self, into: int, out: int, kernel: int, kind: str):
        super().__init__(into, out, kernel, padding=kernel // 2)
        if kind not in ("A", "B"):
            raise ValueError(f'The masks are "A" and "B", not {kind!r}.')
        mask, middle = torch.ones(kernel, kernel), kernel // 2
        mask[middle, middle + (kind == "B"):] = 0
        mask[middle + 1:] = 0
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, h: Tensor) -> Tensor:
        return self._conv_forward(h, self.weight * self.mask, self.bias)


def plain_pixelcnn(channels: int, out: int, width: int, layers: int,
                   kernel: int = 3) -> nn.Sequential:
    """Masked convolutions with ReLU, the first with A    van den Oord et al. 2016a, Section 3.5

    (batch, channels, H, W) → (batch, out, H, W). However many the layers, it never sees a wedge of
    the pixels before: with 3×3 kernels, what lies above to the right beyond a diagonal (van den
    Oord et al. 2016b, Figure 1).
    """
    return nn.Sequential(
        MaskedConv(channels, width, kernel, "A"), nn.ReLU(),
        *(part for _ in range(layers - 1) for part in
          (MaskedConv(width, width, kernel, "B"), nn.ReLU())), nn.Conv2d(width, out, 1))
