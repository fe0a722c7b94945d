"""Edges of pictures, for paired tasks: outline → picture."""
import torch
from torch import Tensor
from torch.nn import functional as nnf


def outlines(x: Tensor) -> Tensor:
    """2 clamp(max_c √((∂_h x)² + (∂_w x)²) − 0.3, 0, 1) − 1    Isola et al. 2017, Figure 1

    The edges of its task "edges → photo". x: (n, C, H, W) in [−1, 1], digits or portraits; ∂ are
    differences to the next pixel, the strongest channel counts, and what is below 0.3 is noise.
    Returns (n, 1, H, W) in [−1, 1]: lines
    bright on dark. Errors: ValueError for another shape.
    """
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise ValueError("Expected pictures (n, C, H, W) with 1 or 3 channels, "
                         f"got {tuple(x.shape)}.")
    down = nnf.pad(x, (0, 0, 0, 1), mode="replicate").diff(dim=2)                 # (n, C, H, W)
    right = nnf.pad(x, (0, 1, 0, 0), mode="replicate").diff(dim=3)
    edge = torch.hypot(down, right).amax(1, keepdim=True)
    return 2 * (edge - 0.3).clamp(0, 1) - 1
