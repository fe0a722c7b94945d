"""A source of pictures with labels and a target of pictures alone: batches of both, augmented."""
import torch
from torch import Tensor
from torch.nn import functional as nnf

from course_lib.data.batches import batches
from course_lib.data.domains import Unpaired, check_domains


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
        self.both = Unpaired(batches(source, labels, size=most), batches(target, size=most))

    def __iter__(self):
        for (x, y), x_target in self.both:
            yield (augmented(x), y), augmented(x_target)


def check_source_and_target(source: Tensor, labels: Tensor, target: Tensor) -> None:
    """Errors: ValueError for an empty domain, domains of other channels or sides, and labels that
    are not one a picture of the source."""
    check_domains(source, target, ("The source", "The target"))
    if labels.shape != source.shape[:1]:
        raise ValueError(f"{len(source)} pictures of the source need as many labels, not "
                         f"{tuple(labels.shape)}.")
