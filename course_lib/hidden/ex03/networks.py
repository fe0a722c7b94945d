"""Small random networks of the checks, and codes that fit them."""
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.checks import Net


class Pair(NamedTuple):
    """A generator and a classifier that fit, how they are called, and the shape of one code."""

    what: str
    G: Net
    phi: Net
    code: tuple[int, ...]
    classes: int

    def to(self, dtype: torch.dtype) -> "Pair":
        if dtype == torch.float32:
            return self
        return self._replace(G=self.G.double(), phi=self.phi.double())

    def used(self) -> "Pair":
        """The networks with gradients of an earlier loss."""
        return self._replace(G=self.G._replace(grad=-0.3), phi=self.phi._replace(grad=0.5))


def drawn(name: str, args: tuple, rng: torch.Generator, scale: float = 0.7) -> Net:
    """A random network; variances that batch norm has stored are positive, and so are the biases
    before a classifier's last ReLU, which would else be dead here and there."""
    net = Net.draw(name, args, rng, scale)
    for key in net.state:
        if key.endswith(("running_var", "hidden.bias")):
            net.state[key] = net.state[key].abs() + 0.3
    return net


def pairs(rng: torch.Generator, least: int = 1) -> list[Pair]:
    """Perceptrons, one with a code of one number and of `least` classes; an upconvolution in eval
    mode before a convolution; a code that is a picture, of which G mixes each row."""
    mlp = lambda *widths: drawn("mlp", widths, rng)
    conv = lambda channels, classes: drawn("ConvE", (channels, 4, classes, 5, 2), rng, 0.4)
    upconv = drawn("UpconvG", (1, 4, 5, 2), rng)._replace(frozen=True)
    return [Pair("perceptrons", mlp(4, 9, 5), mlp(5, 8, 3), (4,), 3),
            Pair("perceptrons, a code of one number", mlp(1, 8, 3), mlp(3, least), (1,), least),
            Pair("convolutions", upconv, conv(1, 4), (5,), 4),
            Pair("codes that are pictures", mlp(4, 6, 4), conv(2, 3), (2, 4, 4), 3)]


def scaled(net: Net, factor: float) -> Net:
    """The network with its last layer multiplied."""
    last = [*net.state][-2:]
    return net._replace(state={key: factor * w if key in last else w
                               for key, w in net.state.items()})


def flat(net: Net) -> Net:
    """The network whose answer is always 0."""
    return scaled(net, 0.0)


def built(net: Net) -> nn.Module:
    return net.double().build().requires_grad_(False)


def logits(G: Net, phi: Net, h: Tensor) -> Tensor:
    """What the classifier says of the codes' pictures, float64."""
    return built(phi)(built(G)(h))


def slopes(G: Net, phi: Net, h: Tensor, height: Callable[[Tensor, int], Tensor]) -> Tensor:
    """Of each code, the gradient of height(its row of logits, its number i): float64."""
    rows, generator, classifier = [], built(G), built(phi)
    for i in range(len(h)):
        alone = h[i:i + 1].detach().clone().requires_grad_()
        with torch.enable_grad():
            logit = classifier(generator(alone))[0]
            rows.append(torch.autograd.grad(height(logit, i), alone)[0])
    return torch.cat(rows).detach()
