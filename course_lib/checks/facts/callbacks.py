"""Functions that an answer is given, and what it asks them."""
import inspect
from collections.abc import Callable

import torch

from course_lib.checks import expect_tensor


class Asked:
    """A network as a callback, which remembers what it was asked."""

    def __init__(self, function: Callable):
        self.function, self.calls = function, []

    def __call__(self, *args, **named):
        self.calls.append(inspect.signature(self.function).bind(*args, **named).args)
        return self.function(*args, **named)

    def expect_integers(self, i: int, what: str) -> None:
        """Argument i was always int64, one number an image."""
        for args in self.calls:
            assert len(args) > i, (
                f"{what} was not passed on: the network got {len(args)} arguments.")
            expect_tensor(what, args[i], tuple(args[0].shape[:1]), torch.int64,
                          "There is one number an image.")
