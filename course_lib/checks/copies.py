"""Copies of what an answer is called with, and whether it left them as they were: which only the
process that it runs in can see, and could hide."""
from copy import deepcopy

import torch
from torch import Tensor, nn


def _is_net(x) -> bool:
    """Whether it is a network as data, course_lib.checks.Net."""
    return isinstance(x, tuple) and hasattr(x, "build")


def copied(x):
    """x with copies of its tensors and networks, and its Nets built."""
    if _is_net(x):
        return x.build()
    if isinstance(x, nn.Module):
        copy = deepcopy(x)
        for weight, its in zip(copy.parameters(), x.parameters()):
            weight.grad = None if its.grad is None else its.grad.clone()
        return copy
    if isinstance(x, dict):
        return {key: copied(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return type(x)(map(copied, x))
    return x.detach().clone() if isinstance(x, Tensor) else x


def marks(x) -> list | tuple | None:
    """Whether each tensor requires a gradient, and whether it holds one."""
    if isinstance(x, dict):
        return [*map(marks, x.values())]
    if isinstance(x, list | tuple):
        return [*map(marks, x)]
    return (x.requires_grad, x.is_leaf and x.grad is not None) if isinstance(x, Tensor) else None


def unchanged(x, other) -> bool:
    """Whether `other` is still what x was before a call, NaN for NaN, marks, functions and
    generators aside."""
    if _is_net(x):
        return _is_net(other) or unchanged(x.build(), other)
    if isinstance(x, nn.Module):
        return unchanged(_condition(x), _condition(other)) and all(
            map(_same_gradient, x.parameters(), other.parameters()))
    if isinstance(x, dict):
        return x.keys() == other.keys() and all(unchanged(x[key], other[key]) for key in x)
    if isinstance(x, list | tuple):
        return len(x) == len(other) and all(map(unchanged, x, other))
    if not isinstance(x, Tensor):
        return not isinstance(x, int | float | str) or x == other or x != x
    alike = x.shape == other.shape and x.dtype == other.dtype
    return alike and bool(((x == other) | ((x != x) & (other != other))).all())


def _same_gradient(p: Tensor, q: Tensor) -> bool:
    """None is as good as 0, and in place of NaN anything may come."""
    before, after = (torch.zeros_like(x) if x.grad is None else x.grad for x in (p, q))
    return bool(((before == after) | before.isnan()).all())


def _condition(net: nn.Module) -> list:
    return [[p.detach() for p in net.parameters()], [*net.buffers()],
            [p.requires_grad for p in net.parameters()],
            [module.training for module in net.modules()]]
