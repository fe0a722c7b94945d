"""How each model that ships is trained: one file a family, whose RECIPES is found here by itself.

    python -m course_lib.recipes                what ships, and the command that rebuilds it
    python -m course_lib.recipes gan_digits     trains it and writes its weights; --all: all of them
"""
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from course_lib.core import History, Trainable

WEIGHTS = Path(__file__).parents[1] / "weights"


class Recipe(NamedTuple):
    """make() gives the untrained model, train(model) trains it; about: a line for the table."""

    make: Callable[[], Trainable]
    train: Callable[[Trainable], History]
    about: str


def recipes() -> dict[str, Recipe]:
    """Name of the weights -> recipe, of all the files in this folder that have RECIPES."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            family = importlib.import_module(f"{__name__}.{module.name}")
            found |= getattr(family, "RECIPES", {})
    return found


def weights(name: str) -> Path:
    """Where the weights of that name lie, for `course_lib.core.load`."""
    return WEIGHTS / f"{name}.safetensors"
