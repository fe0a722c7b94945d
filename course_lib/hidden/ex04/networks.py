"""Small random networks of the checks: two maps and their judges, which fit."""
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.checks import Net


class Four(NamedTuple):
    """G and F, D_X and D_Y, how they are called, and the shape of one picture."""

    what: str
    G: Net
    F: Net
    D_X: Net
    D_Y: Net
    shape: tuple[int, ...]

    @property
    def nets(self) -> tuple[Net, Net, Net, Net]:
        return self.G, self.F, self.D_X, self.D_Y

    def to(self, dtype: torch.dtype) -> "Four":
        if dtype == torch.float32:
            return self
        return Four(self.what, *(net.double() for net in self.nets), self.shape)

    def used(self) -> "Four":
        """The networks with gradients of an earlier loss."""
        return Four(self.what, *(net._replace(grad=grad) for net, grad
                                 in zip(self.nets, (0.5, -0.3, 0.2, -1.0))), self.shape)


def line(w: float = 1.0, b: float = 0.0) -> Net:
    """x -> w x + b, of one number."""
    return Net("mlp", (1, 1), {"0.weight": torch.tensor([[w]]), "0.bias": torch.tensor([b])})


def unbiased(net: Net) -> Net:
    """A perceptron without biases: what is k times as large gives k times as much, k > 0."""
    return net._replace(state={key: 0 * w if key.endswith("bias") else w
                               for key, w in net.state.items()})


def fours(rng: torch.Generator) -> list[Four]:
    """Perceptrons of points, one of them of a single number; pictures, with judges of which one
    gives many outputs and one is a convolution."""
    mlp = lambda *widths: Net.draw("mlp", widths, rng)
    conv = Net.draw("ConvE", (2, 4, 1, 5, 2), rng, 0.4)
    return [Four("points", mlp(3, 7, 3), mlp(3, 5, 3), mlp(3, 6, 1), mlp(3, 8, 1), (3,)),
            Four("one number", mlp(1, 6, 1), mlp(1, 1), mlp(1, 5, 1), mlp(1, 4, 2), (1,)),
            Four("pictures", mlp(4, 6, 4), mlp(4, 4), mlp(4, 5, 3), conv, (2, 4, 4))]


def pictures(rng: torch.Generator, four: Four, n: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(n, *four.shape, dtype=torch.float64, generator=rng)
