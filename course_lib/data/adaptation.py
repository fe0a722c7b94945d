"""A source of pictures with labels and a target of pictures alone: batches of both, augmented."""
import itertools

import torch
from torch import Tensor
from torch.nn import functional as nnf

from course_lib.data.batches import batches


def augmented(x: Tensor) -> Tensor:
    """x turned, slanted, scaled and shifted a little, at random: for every method alike

    x: (batch, C, H, W) in [−1, 1], paper −1. By up to 0.2 rad, a slant of 0.3, 15 % and 5 % of the
    side. Draws from torch's global generator.
    """
    u = lambda most: (2 * torch.rand(len(x)) - 1) * most
    turn, slant, down, right = u(0.2), u(0.3), u(0.1), u(0.1)
    rows = [[turn.cos() * (1 + u(0.15)), slant - turn.sin(), right],
            [turn.sin(), turn.cos() * (1 + u(0.15)), down]]
    theta = torch.stack([torch.stack(row, 1) for row in rows], 1).to(x)        # (batch, 2, 3)
    grid = nnf.affine_grid(theta, x.shape, align_corners=False)
    return nnf.grid_sample(x + 1, grid, align_corners=False) - 1


class Domains:
    """Batches ((x, y), x_target) of a source and a target, shuffled apart and augmented."""

    def __init__(self, source: Tensor, labels: Tensor, target: Tensor, size: int = 32):
        most = min(size, len(source), len(target))
        self.parts = batches(source, labels, size=most), batches(target, size=most)

    def __iter__(self):
        source, target = (itertools.chain.from_iterable(itertools.repeat(part))
                          for part in self.parts)
        for _ in range(max(map(len, self.parts))):
            x, y = next(source)
            yield (augmented(x), y), augmented(next(target))


def check_domains(source: Tensor, labels: Tensor, target: Tensor) -> None:
    """Errors: ValueError for an empty domain, domains of other channels or sides, and labels that
    are not one a picture of the source."""
    for name, x in (("source", source), ("target", target)):
        if len(x) == 0:
            raise ValueError(f"The {name} is empty.")
    if source.shape[1:] != target.shape[1:]:
        form = lambda x: " × ".join(map(str, x.shape[1:]))
        raise ValueError("Source and target need pictures of one number of channels, height and "
                         f"width; the source has {form(source)}, the target {form(target)}.")
    if labels.shape != source.shape[:1]:
        raise ValueError(f"{len(source)} pictures of the source need as many labels, not "
                         f"{tuple(labels.shape)}.")
