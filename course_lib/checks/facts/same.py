"""An answer against a definition: the same results, and the same gradients."""
import inspect
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_results

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}
BOTH = tuple(TOLERANCE)


def same(answer: Callable, definition: Callable, args: tuple, names: tuple[str, ...], hint: str, *,
         what: str = "", wrt: tuple[int, ...] = (), of: tuple[int, ...] = (0,),
         tolerance: float | None = None, size: float = 0.0, slope: float = 0.0,
         lent: bool | tuple[int, ...] = False) -> None:
    """answer(*args) gives what definition(*args) gives in float64, in the dtype of args; and so
    does the gradient of each result `of` in each argument `wrt`.

    Where the definition gives a tuple, the answer does. Tolerances are relative to the number
    itself and to the largest of its tensor; for results also to `size`, for gradients to `slope`:
    the size of terms that may cancel. A network goes to the definition as its Net; `lent` is as
    for `call`.
    """
    dtype = next(arg.dtype for arg in args if isinstance(arg, Tensor) and arg.is_floating_point())
    tolerance = tolerance or TOLERANCE[dtype]
    precise = [arg.double() if isinstance(arg, Tensor) and arg.is_floating_point() else arg
               for arg in args]
    for i in wrt:
        precise[i] = precise[i].clone().requires_grad_()
    expected = definition(*precise)
    single = isinstance(expected, Tensor)
    expected = (expected,) if single else expected

    def close(name: str, got, right: Tensor, least: float = 0.0) -> None:
        size = max(right.detach().abs().max().item() if right.numel() else 0.0, least)
        expect_close(f"{name}{what}", got, right.detach(), hint, rtol=tolerance,
                     atol=tolerance * size + torch.finfo(dtype).tiny, dtype=dtype)

    results = call(answer, *args, lent=lent)
    results = (results,) if single else expect_results(results, ", ".join(names), len(names))
    for name, got, right in zip(names, results, expected):
        close(name, got, right, size)
    parameters = [*inspect.signature(definition).parameters]
    for i in wrt:
        argument = parameters[i] if i < len(parameters) else f"argument {i + 1}"
        for j in of:
            _, got = call(answer, *args, wrt=i, of=None if single else j)
            right = torch.autograd.grad(expected[j].sum(), precise[i], retain_graph=True,
                                        allow_unused=True, materialize_grads=True)[0]
            close(f"the gradient of {names[j]} in {argument}", got, right, slope)
