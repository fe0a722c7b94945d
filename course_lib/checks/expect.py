"""Expectations: each raises AssertionError, which says what was expected, what came, and a hint."""
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.checks.answers import Net, call
from course_lib.checks.words import kind


def expect_close(what: str, got, expected, hint: str, *, rtol: float = 1e-5, atol: float = 1e-6,
                 dtype: torch.dtype | None = None) -> None:
    """got, a number or a tensor, is within rtol |expected| + atol of expected, of its shape, and of
    dtype where that is given. For one number () and (1,) both count."""
    expected = torch.as_tensor(expected, dtype=torch.float64)
    shape = tuple(expected.shape)
    if dtype is None and isinstance(got, int | float) and not isinstance(got, bool):
        got = torch.tensor(float(got), dtype=torch.float64)
    assert isinstance(got, Tensor), (
        f"{what}: expected a tensor of shape {shape}, got {kind(got)}. {hint}")
    one = {(), (1,)}
    fits = tuple(got.shape) in one if shape in one else tuple(got.shape) == shape
    assert fits, (f"{what}: expected shape {shape}, got {tuple(got.shape)}. Sum or average over "
                  "those dimensions only that the question names.")
    assert dtype in (None, got.dtype), (
        f"{what}: expected {dtype}, as the inputs are, got {got.dtype}. Either a step on the way "
        f"changes the dtype, or what was computed in {got.dtype} is not brought back.")
    assert not got.is_complex(), f"{what}: expected real numbers, got complex ones. {hint}"
    got = got.detach().double().reshape(shape)
    wrong = ~torch.isclose(got, expected, rtol=rtol, atol=atol)
    if wrong.any():
        at = tuple(wrong.nonzero()[0].tolist())
        place = f" at {list(at)}" if at and expected.numel() > 1 else ""
        right, here = expected[at].item(), got[at].item()
        right, here = told_apart(right, here)
        raise AssertionError(f"{what}: expected {right}{place}, got {here}. {hint}")


def told_apart(*numbers: float) -> list[str]:
    """Numbers with as few digits as show that they differ: 5, 9 or all 17."""
    for digits in (5, 9, 17):
        told = [f"{float(number):.{digits}g}" for number in numbers]
        if len(set(told)) == len(told):
            break
    return told


def expect_tensor(what: str, got, shape: tuple[int, ...], dtype: torch.dtype, hint: str) -> None:
    """got is a tensor of this shape and dtype, whatever it holds."""
    here = f"{got.dtype} of shape {tuple(got.shape)}" if isinstance(got, Tensor) else kind(got)
    assert isinstance(got, Tensor) and got.shape == shape and got.dtype == dtype, (
        f"{what}: expected {dtype} of shape {shape}, got {here}. {hint}")


def expect_results(got, what: str, n: int) -> tuple:
    """got is a tuple or list of n results, which `what` names."""
    assert isinstance(got, list | tuple) and len(got) == n, (
        f"expected {n} results ({what}), got {kind(got)}.")
    return tuple(got)


def expect_state(what: str, got, net: Net, hint: str, **tolerance: float) -> None:
    """got is a state_dict with the weights of net."""
    assert isinstance(got, dict) and set(got) == set(net.state), (
        f"{what}: expected a state_dict of {[*net.state]}, got "
        f"{[*got] if isinstance(got, dict) else kind(got)}.")
    for key, value in net.state.items():
        expect_close(f"{what}, {key}", got[key], value, hint, **tolerance)


def expect_refusal(what: str, answer: Callable, *args) -> None:
    """answer(*args) raises ValueError."""
    try:
        got = call(answer, *args)
    except ValueError:
        return
    raise AssertionError(f"{what}: expected a ValueError, got {got}. "
                         "raise ValueError(..) where it cannot be done.")
