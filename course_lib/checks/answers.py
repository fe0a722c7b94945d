"""What crosses between a check and an answer: `call` and `Net`.

Numbers, text, tensors, and lists, tuples and dicts of them cross, and a network as its description.
So an answer may also live in another process, as it does while it is graded: then it is a stand-in
(course_lib.grading.remote.Answer), which builds networks there and tells what it `changed`.
"""
import inspect
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib import nets
from course_lib.checks.copies import copied, marks, unchanged
from course_lib.checks.words import kind, plainly


class Net(NamedTuple):
    """A network as data: its name in course_lib.nets, the arguments that build it, its weights;
    frozen: in eval mode, and no weight asks for a gradient; or the names of modules that are."""

    name: str
    args: tuple
    state: dict[str, Tensor]
    frozen: bool | tuple[str, ...] = False
    grad: float | None = None   # what every gradient holds when the network arrives; NaN: of one
                                # that an answer may overwrite
    resting: tuple[str, ...] = ()   # modules in eval mode whose weights still ask for gradients;
                                    # "" is the whole network

    @classmethod
    def draw(cls, name: str, args: tuple, generator: torch.Generator, scale: float = 0.7) -> "Net":
        """A network whose weights and biases are drawn from N(0, scale²), float32."""
        state = getattr(nets, name)(*args).state_dict()
        return cls(name, args, {key: scale * torch.randn(tensor.shape, generator=generator)
                                for key, tensor in state.items()})

    def double(self) -> "Net":
        return self._replace(state={key: tensor.double() for key, tensor in self.state.items()})

    def build(self) -> nn.Module:
        """The network itself, in the precision of its weights, which it copies."""
        net = getattr(nets, self.name)(*self.args).to(next(iter(self.state.values())).dtype)
        net.load_state_dict(self.state)
        for part in ("",) if self.frozen is True else self.frozen or ():
            net.get_submodule(part).eval().requires_grad_(False)
        for part in self.resting:
            net.get_submodule(part).eval()
        for weight in net.parameters() if self.grad is not None else ():
            weight.grad = torch.full_like(weight, self.grad)
        return net


def call(answer, *args, wrt: int | None = None, of: int | None = None,
         lent: bool | tuple[int, ...] = False, marked: int | None = None):
    """answer(*args) on copies of the arguments, each Net built; the result carries no gradient.

    wrt=i: a pair, the result and the gradient in argument i of the result's sum; for a tuple of
    results, of each sum, or with of=j of the sum of result j alone. lent: networks come back as
    they were, too: weights and their dtype, requires_grad, mode and `.grad`; a tuple: those
    arguments do. marked=i: argument i requires a gradient already, though none is taken.
    Errors: AssertionError where the answer changed an argument in place or marked it, where its
    shapes do not fit, or where no gradient reaches argument i.
    """
    away = getattr(answer, "crosses", False)
    copies = [arg if away and isinstance(arg, Net) else copied(arg) for arg in args]
    for i in {wrt, marked} - {None}:
        copies[i].requires_grad_()
    before = marks(copies)
    try:
        result = answer(*copies)
    except (AssertionError, RuntimeError, IndexError) as error:
        if said := plainly(error, args):
            raise AssertionError(said) from error
        raise
    assert result is not None, f"{answer.__name__} returned nothing: is a return missing?"
    names = [*inspect.signature(answer).parameters][:len(args)]
    names += [f"argument {i + 1}" for i in range(len(names), len(args))]
    changed = getattr(answer, "changed", ())
    for i, (name, arg, copy) in enumerate(zip(names, args, copies)):
        same = i not in changed and unchanged(arg, copy) and marks(copy) == before[i]
        assert same or isinstance(arg, Net), (
            f"{name} was changed in place. Work on a new tensor: x = x / 2, not x /= 2; and "
            "x.detach().requires_grad_(), not x.requires_grad_(), which marks your caller's.")
        assert same or not (lent is True or lent and i in lent), (
            f"the network {name} is not as it was. Its weights, their dtype and `.grad`, whether "
            "they require gradients, and its mode (train or eval) are not yours to change.")
    if wrt is None:
        return _leave(result)
    if of is not None:
        assert isinstance(result, list | tuple) and len(result) > of, (
            f"expected at least {of + 1} results, got {kind(result)}.")
        return _leave(result), _gradient(result[of], copies[wrt], names[wrt])
    if isinstance(result, list | tuple):
        return _leave(result), tuple(_gradient(x, copies[wrt], names[wrt]) for x in result)
    return _leave(result), _gradient(result, copies[wrt], names[wrt])


def _leave(x):
    if isinstance(x, dict):
        return {key: _leave(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return tuple(map(_leave, x))
    return x.detach().clone() if isinstance(x, Tensor) else x


def _gradient(result, x: Tensor, name: str) -> Tensor:
    assert isinstance(result, Tensor), (
        f"expected a tensor, through which gradients flow; got {kind(result)}.")
    assert result.requires_grad, (
        f"no gradient flows from the result back to {name}. Compute with tensors all the way: "
        ".item(), .detach(), float(..) and torch.tensor(..) cut the path.")
    total = result.sum()
    return torch.autograd.grad(total, x, retain_graph=True, allow_unused=True,
                               materialize_grads=True)[0]
