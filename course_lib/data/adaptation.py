"""A source of pictures with labels and a target of pictures alone: batches of both, augmented."""
import torch
from torch import Tensor
from torch.nn import functional as nnf

from course_lib.data.batches import batches
from course_lib.data.domains import Unpaired, check_domains


def augmented(x: Tensor) -> Tensor:
    """x turned, slanted, scaled and shifted a little, at random: for every method alike

    x: (batch, C, H, W) in [−1, 1]. By up to 0.2 rad, a slant of 0.3, 15 % and 5 % of the side; what
    comes in from outside has the colour of the rim. Of pictures in colour, half become their
    negatives, for street numbers are lighter or darker than the wall. Draws from torch's global
    generator.
    """
    if x.shape[1] == 3:
        x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, -x, x)
    u = lambda most: (2 * torch.rand(len(x)) - 1) * most
    turn, slant, down, right = u(0.2), u(0.3), u(0.1), u(0.1)
    rows = [[turn.cos() * (1 + u(0.15)), slant - turn.sin(), right],
            [turn.sin(), turn.cos() * (1 + u(0.15)), down]]
    theta = torch.stack([torch.stack(row, 1) for row in rows], 1).to(x)        # (batch, 2, 3)
    grid = nnf.affine_grid(theta, x.shape, align_corners=False)
    return nnf.grid_sample(x, grid, padding_mode="border", align_corners=False)


def as_street(x: Tensor) -> Tensor:
    """Grey digits as street numbers come: a rim of paper, and three channels that are equal

    x: (n, 1, 28, 28) in [−1, 1], paper −1. Returns (n, 3, 32, 32). Errors: ValueError for another
    shape.
    """
    if x.dim() != 4 or x.shape[1:] != (1, 28, 28):
        raise ValueError(f"Grey digits have the shape (n, 1, 28, 28), not {tuple(x.shape)}.")
    return nnf.pad(x, (2, 2, 2, 2), value=-1.0).expand(-1, 3, -1, -1)


class Domains:
    """Batches ((x, y), x_target) of a source and a target, shuffled apart and augmented

    source (n, C, H, W) with labels (n,), target (m, C, H, W). Errors: ValueError for an empty
    domain, domains of other channels or sides, and labels that are not one a picture.
    """

    def __init__(self, source: Tensor, labels: Tensor, target: Tensor, size: int = 32):
        check_source_and_target(source, labels, target)
        self.source, self.labels, self.target = source, labels, target
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
