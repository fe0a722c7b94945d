"""Amit, Gutfreund & Sompolinsky 1985 (AGS), "Storing Infinite Numbers of Patterns in a Spin-Glass
Model of Neural Networks", and 1987: how many random patterns a Hopfield network holds, n → ∞.

At temperature 0 and by the replica-symmetric theory. α = p/n is the load, m the overlap with the
memory, (1 − m)/2 the share of wrong bits.
"""
import math

import torch
from torch import Tensor


def solutions(x: Tensor) -> tuple[Tensor, Tensor]:
    """√(2α) = erf(x)/x − 2/√π e^{−x²}, m = erf(x)    AGS 1985, with x = m/√(2αr)

    x > 0 numbers the solutions; memories have an x beyond that of the largest load. Returns α, m.
    """
    root = torch.erf(x) / x - 2 / math.sqrt(math.pi) * torch.exp(-x**2)
    return root**2 / 2, torch.erf(x)


def memories() -> tuple[Tensor, Tensor]:
    """(α, m) of all memories, from the largest load down    AGS 1985: α_c = 0.138, 1.6 % wrong bits

    float64, α falling from 0.138 to 0.008.
    """
    alpha, m = solutions(torch.linspace(1, 8, 100_000, dtype=torch.float64))
    return alpha[alpha.argmax():], m[alpha.argmax():]


def wrong_bits(alpha: float) -> float:
    """(1 − m)/2 of a memory at load α    AGS 1985

    Errors: ValueError for a load that has no memories, or a negative one.
    """
    loads, m = memories()
    if not 0 <= alpha <= loads[0]:
        raise ValueError(f"Memories exist at loads from 0 to {loads[0]:.4f}, not at {alpha}.")
    return (1 - m[(loads - alpha).abs().argmin()].item()) / 2


def one_step(alpha: float) -> float:
    """½ erfc(1/√(2α)): P(h_i ξ_i < 0) at a memory itself, by Gaussian crosstalk    AGS 1985

    Wrong bits of one step of all units, from which others follow. Errors: ValueError for α ≤ 0.
    """
    if not alpha > 0:
        raise ValueError(f"A load is above 0, not {alpha}.")
    return math.erfc(1 / math.sqrt(2 * alpha)) / 2


def perfect(alpha: float, n: int) -> float:
    """(1 − ½ erfc(1/√(2α)))ⁿ: P(no unit wants to leave a memory), roughly    McEliece et al. 1987

    As if units were independent. At α = 0.138 it is 3 % for n = 1000 and 0.08 % for 2000: perfect
    recall needs loads that fall as 1/log n. Errors: as `one_step`.
    """
    return (1 - one_step(alpha)) ** n
