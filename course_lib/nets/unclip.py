"""The networks of unCLIP: a denoiser of embeddings, and one of pictures that is told embeddings."""
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.nets.blocks import mlp
from course_lib.nets.time import TimeEmbedding
from course_lib.nets.unet import UNet


class PriorMLP(nn.Module):
    """(noised z_i, t, z_t) → z_i, all (n, d)    Ramesh et al. 2022, Section 2.2

    Residual layers on z_i, t and z_t together, in place of the paper's transformer. Input and
    output are √d times unit vectors, z_t is a unit vector, or 0 for "no text".
    """

    def __init__(self, d: int, width: int = 256, layers: int = 4):
        super().__init__()
        self.time, self.text = TimeEmbedding(64, width), nn.Linear(d, width)
        self.into, self.out = nn.Linear(d, width), nn.Linear(width, d)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.blocks = nn.ModuleList(mlp(width, 2 * width, width, activation=nn.SiLU)
                                    for _ in range(layers))

    def forward(self, z: Tensor, t: Tensor, z_t: Tensor) -> Tensor:
        condition = self.time(t) + self.text(z_t * z_t.shape[1] ** 0.5)
        h = self.into(z)
        for norm, block in zip(self.norms, self.blocks):
            h = h + block(norm(h + condition))
        return self.out(h)


class EmbeddedUNet(UNet):
    """(x_t, t, (z_i, z_t)) → an image like x_t    Ramesh et al. 2022, Section 2.1

    The U-Net whose time embedding also holds z_i and z_t, (n, d) each: unit vectors, or 0 for
    "none". Images (n, channels, size, size), size a multiple of 4.
    """

    def __init__(self, d: int, widths: tuple[int, int] = (64, 96), channels: int = 3):
        super().__init__(channels, widths)
        embedding = 2 * widths[1]
        self.image, self.text = nn.Linear(d, embedding), nn.Linear(d, embedding)

    def embed(self, t: Tensor, y: tuple[Tensor, Tensor]) -> Tensor:
        z_i, z_t = (z * z.shape[1] ** 0.5 for z in y)
        return nnf.silu(self.time(t) + self.image(z_i) + self.text(z_t))
