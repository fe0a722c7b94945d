"""An energy of digits."""
from torch import Tensor, nn


class ConvEnergy(nn.Module):
    """28×28 → 7×7 → 4×4 → 64 numbers → an energy, or logits

    The first reduction only rearranges each 4×4 pixels as 16 channels (PixelUnshuffle), so that
    long chains are cheap on a CPU. SiLU (Elfwing et al. 2018) is smooth, as a chain follows the
    gradient in x; nothing is normalised, so that an energy does not depend on its batch.
    size: a multiple of 4.
    """

    def __init__(self, outputs: int = 1, width: int = 32, size: int = 28):
        super().__init__()
        last = (size // 4 + 1) // 2
        self.net = nn.Sequential(
            nn.PixelUnshuffle(4), nn.Conv2d(16, width, 3, padding=1), nn.SiLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.SiLU(),
            nn.Flatten(), nn.Linear(2 * width * last**2, 64), nn.SiLU(), nn.Linear(64, outputs))

    def forward(self, x: Tensor) -> Tensor:          # (batch, 1, size, size) → (batch, outputs)
        return self.net(x)
