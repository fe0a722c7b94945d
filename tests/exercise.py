"""An exercise's master notebook, cell by cell, and answers that run in what its students have."""
from functools import cache, wraps
from pathlib import Path

import nbformat
import pytest
import torch

ROOT = Path(__file__).parents[1]


def short(name: str) -> str:
    """ex01_minimax -> ex01"""
    return name.split("_")[0]


@cache
def cells(name: str) -> list:
    return nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4).cells


def nbgrader(cell) -> dict:
    return cell.metadata.get("nbgrader", {"grade": False, "solution": False, "locked": False})


def questions(name: str) -> dict[str, int]:
    """grade_id -> points of the questions that are graded by machine."""
    about = map(nbgrader, cells(name))
    scored = [cell for cell in about if cell["grade"] and not cell["solution"]]
    return {cell["grade_id"].removeprefix("test_"): cell["points"] for cell in scored}


def solution(name: str, question: str) -> str:
    """The source of the master's answer."""
    return next(cell.source for cell in cells(name) if nbgrader(cell).get("grade_id") == question)


def namespace(name: str, source: str) -> dict:
    """What there is after the instructor's cells and `source` have run."""
    found: dict = {}
    for cell in cells(name):
        if cell.cell_type == "code" and nbgrader(cell)["locked"] and not nbgrader(cell)["grade"]:
            exec(cell.source, found)
    exec(source, found)
    return found


def run(name: str, question: str, source: str):
    """What `source` defines under the question's name."""
    return namespace(name, source)[question]


def refuses(check, question: str, answers, errors=(AssertionError,)) -> None:
    """Each of the answers loses its points, by one of these errors."""
    for i, answer in enumerate(answers):
        try:
            check(question, answer)
        except errors:
            continue
        pytest.fail(f"{question}: the check accepts lazy answer {i}")


def then(answer, touch):
    """The answer, which touches its arguments when it is done."""
    @wraps(answer)
    def touched(*args):
        result = answer(*args)
        with torch.no_grad():
            touch(*args)
        return result
    return touched


RAISES = (AssertionError, RuntimeError, ValueError, IndexError)      # the check, or PyTorch first
TOUCHES = (lambda net: net.train(not net.training), lambda net: net.requires_grad_(False),
           lambda net: next(net.parameters()).data.mul_(1.0001),
           lambda net: setattr(weight := next(net.parameters()), "grad", torch.ones_like(weight)))
