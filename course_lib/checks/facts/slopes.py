"""Slopes by central differences, without autograd: of a function, of a loss in the weights."""
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from course_lib.checks import Net


def derivative(function: Callable[[Tensor], Tensor], x: Tensor, h: float = 1e-5) -> Tensor:
    """The derivative of a function of numbers at each of them; exact for a parabola."""
    return (function(x + h) - function(x - h)) / (2 * h)


def gradient(function: Callable[[Tensor], Tensor], x: Tensor, h: float = 1e-5) -> Tensor:
    """The gradient of function(x), (…,), in the last dimension of x, (…, d)."""
    with torch.no_grad():
        edges = h * torch.eye(x.shape[-1], dtype=x.dtype)
        return torch.stack([(function(x + e) - function(x - e)) / (2 * h) for e in edges], -1)


def descend(net: Net, loss: Callable[..., Tensor], lr: float, *batch: Tensor) -> Net:
    """The network after one step of gradient descent on loss(network, *batch).

    In float64 the gradient is good to 1e-8.
    """
    module = net.build()
    start = parameters_to_vector(module.parameters()).detach()

    def height(weights: Tensor) -> Tensor:
        vector_to_parameters(weights, module.parameters())
        return loss(module, *batch)

    vector_to_parameters(start - lr * gradient(height, start, h=1e-7), module.parameters())
    return net._replace(state={key: x.clone() for key, x in module.state_dict().items()})
