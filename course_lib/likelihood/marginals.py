"""Chen & Gopinath 2000, "Gaussianization": each coordinate's own law is made a standard normal, so
that a flow behind it has only what they share to learn."""
import math

import torch
from torch import Tensor, nn

EDGES = (0., 1, 8, 32, 64, 128, 192, 224, 248, 252, 253, 254, 255, 256)     # bins of levels


class Marginals(nn.Module):
    """z_i = Φ⁻¹(F_i(y_i)), F_i the law of coordinate i, by bins    Chen & Gopinath 2000, Section 2

    A bijection of levels y in (0, 256)^d, fixed: `measure` counts data, before that F_i is uniform.
    shape: of y, without the batch.
    """

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.shape, self.edges = tuple(shape), torch.tensor(EDGES, dtype=torch.float64)
        p = (self.edges.diff() / 256).float().expand(math.prod(shape), -1)
        self.register_buffer("p", p.clone())

    def measure(self, y: Tensor, prior: float = 20.0) -> None:
        """F_i from y, (n, *shape), and as `prior` more draws from all coordinates' common law"""
        bins = torch.bucketize(y.flatten(1).double().cpu(), self.edges[1:-1], right=True)
        counts = torch.stack([(bins == k).double().sum(0) for k in range(len(EDGES) - 1)], 1)
        common = 0.99 * counts.sum(0) / counts.sum() + 0.01 * self.edges.diff() / 256
        self.p.copy_((counts + prior * common) / (len(y) + prior))

    def laws(self, device) -> tuple[Tensor, Tensor, Tensor]:
        """Edges of bins, density and F there, (d, bins) and (d, bins + 1), in float64"""
        edges, p = self.edges.to(device), self.p.double()
        p = p / p.sum(1, keepdim=True)
        return edges, p / edges.diff(), torch.cat([p[:, :1] * 0, p.cumsum(1)], 1)

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """y: (batch, *shape) → z, and log |det ∂z/∂y| in nats, (batch,)"""
        edges, density, F = self.laws(y.device)
        levels = y.flatten(1).double()
        k = torch.bucketize(levels, edges[1:-1], right=True)
        i = torch.arange(len(F), device=y.device)
        u = F[i, k] + density[i, k] * (levels - edges[k])
        z = torch.special.ndtri(u.clamp(1e-9, 1 - 1e-9))
        log_det = density[i, k].log() + (z**2 + math.log(2 * math.pi)) / 2
        return z.to(y).view_as(y), log_det.sum(1).to(y)

    def inverse(self, z: Tensor) -> Tensor:
        """y in [0, 256)"""
        edges, density, F = self.laws(z.device)
        u = torch.special.ndtr(z.flatten(1).double())
        k = (u.T[:, :, None] >= F[:, None, 1:-1]).sum(2).T
        i = torch.arange(len(F), device=z.device)
        return (edges[k] + (u - F[i, k]) / density[i, k]).to(z).view_as(z)
