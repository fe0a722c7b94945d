"""What a training step must do, measured: the slope of a loss along each weight of a network, by central differences."""
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from course_lib.checks import Net


def descend(net: Net, loss: Callable[[nn.Module], Tensor], lr: float, h: float = 1e-5) -> Net:
    """The network after one step of gradient descent on loss(network); float64, so that the slope is good to 1e-9."""
    module = net.build()
    start = parameters_to_vector(module.parameters())

    def height(weights: Tensor) -> Tensor:
        vector_to_parameters(weights, module.parameters())
        return loss(module)

    with torch.no_grad():
        slope = torch.stack([(height(start + e) - height(start - e)) / (2 * h) for e in h * torch.eye(len(start)).double()])
        vector_to_parameters(start - lr * slope, module.parameters())
    return net._replace(state={key: tensor.clone() for key, tensor in module.state_dict().items()})


def surprise(logit: Tensor, label: float) -> Tensor:
    """The mean over the batch of -log(the probability of the label), for moderate logits in float64."""
    return binary_cross_entropy(torch.sigmoid(logit), torch.full_like(logit, label))
