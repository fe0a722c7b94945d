"""Small random problems on which the lines of a proof are compared: finite variables, and tables
over them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

TOLERANCE = 1e-9
ROUGH = 1e-6  # on extreme problems, where numbers near 1 have lost digits


@dataclass(frozen=True)
class Value:
    """An array over all axes, and those over which it is a distribution (KL sums over them)."""

    array: np.ndarray
    over: frozenset[int] = frozenset()


@dataclass
class Problem:
    """One random finite problem; `table(name, A, B)` is a table over axes A given axes B."""

    axes: tuple[str, ...]  # the variables' names
    shape: tuple[int, ...]
    names: dict[str, Value]
    table: Callable[[str, frozenset[int], frozenset[int]], np.ndarray] | None = None
    mean: np.ndarray | None = None  # the weights of E(..)
    T: int | None = None  # the last time, where the axes are x_0 .. x_T
    strict: bool = True  # KL demands that its arguments sum to 1

    def total(self, array: np.ndarray, over) -> np.ndarray:
        """The sum over some axes, also where the array does not depend on them."""
        full = [n if i in over else m for i, (n, m) in enumerate(zip(self.shape, array.shape))]
        return np.broadcast_to(array, full).sum(tuple(over), keepdims=True)


def varies(arrays: list[np.ndarray]) -> set[int]:
    """The axes along which a value changes on some problem."""
    return {i for array in arrays for i in range(array.ndim)
            if np.ptp(array, axis=i).max() > TOLERANCE}


def same_value(values: list[np.ndarray], others: list[np.ndarray]) -> bool:
    """Whether two lines agree on all problems."""
    return all(np.abs(a - b).max() <= TOLERANCE * max(1.0, np.abs(b).max())
               for a, b in zip(values, others))
