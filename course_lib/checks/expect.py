"""Expectations: each raises AssertionError, which says what was expected, what came, and gives a hint."""
import torch
from torch import Tensor

from course_lib.checks.answers import Net, kind


def expect_close(what: str, got, expected, hint: str, *, rtol: float = 1e-5, atol: float = 1e-6,
                 dtype: torch.dtype | None = None) -> None:
    """got, a number or a tensor, is within rtol |expected| + atol of expected, of its shape (for one number () and (1,)
    both count), and of dtype where that is given."""
    expected = torch.as_tensor(expected, dtype=torch.float64)
    shape = tuple(expected.shape)
    if dtype is None and isinstance(got, int | float) and not isinstance(got, bool):
        got = torch.tensor(float(got), dtype=torch.float64)
    assert isinstance(got, Tensor), f"{what}: expected a tensor of shape {shape}, got {kind(got)}. {hint}"
    fits = tuple(got.shape) in {(), (1,)} if shape in {(), (1,)} else tuple(got.shape) == shape
    assert fits, (f"{what}: expected shape {shape}, got {tuple(got.shape)}. Sum or average over those dimensions only "
                  "that the question names.")
    assert dtype in (None, got.dtype), f"{what}: expected {dtype}, as the inputs are, got {got.dtype}: do not convert."
    got = got.detach().double().reshape(shape)
    wrong = ~torch.isclose(got, expected, rtol=rtol, atol=atol)
    if wrong.any():
        at = tuple(wrong.nonzero()[0].tolist())
        place = f" at {list(at)}" if at and expected.numel() > 1 else ""
        digits = next(n for n in (5, 9, 17) if n == 17 or f"{expected[at]:.{n}g}" != f"{got[at]:.{n}g}")
        raise AssertionError(f"{what}: expected {expected[at]:.{digits}g}{place}, got {got[at]:.{digits}g}. {hint}")


def expect_results(got, what: str, n: int) -> tuple:
    """got is a tuple or list of n results, which `what` names."""
    assert isinstance(got, list | tuple) and len(got) == n, f"expected {n} results ({what}), got {kind(got)}."
    return tuple(got)


def expect_state(what: str, got, net: Net, hint: str, **tolerance: float) -> None:
    """got is a state_dict with the weights of net."""
    assert isinstance(got, dict) and set(got) == set(net.state), f"{what}: expected a state_dict of {[*net.state]}."
    for key, value in net.state.items():
        expect_close(f"{what}, {key}", got[key], value, hint, **tolerance)
