"""The image encoder of CLIP, small."""
from torch import Tensor, nn
from torch.nn import functional as nnf


class ImageEncoder(nn.Module):
    """Images (n, 3, size, size) → (n, out), size a multiple of 16    LeCun et al. 1998, Figure 2

    With ReLU, and a third convolution. Of larger images each (size/16)² pixels become channels
    first (Shi et al. 2016, eq. 4), so that 16×16 positions remain. Positions are not averaged, as
    small parts lie in few of them. Errors: ValueError for images of another shape.
    """

    def __init__(self, out: int, width: int = 32, size: int = 16):
        super().__init__()
        if size < 16 or size % 16:
            raise ValueError(f"The size must be a multiple of 16, not {size}.")
        self.size = size
        self.patches = nn.PixelUnshuffle(size // 16)
        self.conv1 = nn.Conv2d(3 * (size // 16) ** 2, width, 5, padding=2)
        self.conv2 = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.conv3 = nn.Conv2d(2 * width, 2 * width, 3, padding=1)
        self.hidden, self.project = nn.Linear(32 * width, 8 * width), nn.Linear(8 * width, out)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != (3, self.size, self.size):
            raise ValueError(f"Expected images (n, 3, {self.size}, {self.size}), got "
                             f"{tuple(x.shape)}.")
        h = nnf.max_pool2d(self.conv1(self.patches(x)).relu(), 2)            # (n, width, 8, 8)
        h = self.conv3(self.conv2(h).relu()).relu()                          # (n, 2 width, 8, 8)
        return self.project(self.hidden(nnf.max_pool2d(h, 2).flatten(1)).relu())
