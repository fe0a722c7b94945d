"""Names the misconception behind a wrong answer: it computes what a known wrong answer computes."""
import signal
from collections.abc import Iterator
from inspect import unwrap
from itertools import zip_longest
from pathlib import Path
from types import FunctionType

import torch

from course_lib.checks.copies import copied
from course_lib.grading.cells import Cell
from course_lib.grading.comfort import TookTooLong
from course_lib.grading.wire import tensors

SECONDS = 5


def _alarm(*_):
    raise TookTooLong("slips took too long")


class Misconceptions:
    """The known wrong answers of an exercise: a folder per question with files wrong_*.py, whose
    first line says in a comment what is different about them. They are the instructor's, and run in
    the checker, in the namespace of `instructor`."""

    def __init__(self, folder: str, instructor):
        self.folder, self.instructor = folder and Path(folder), instructor

    def name(self, cell: Cell, fetched: dict) -> str:
        """A sentence for the feedback, or nothing: also where slips take long. fetched: what the
        test had from the kernel."""
        signal.signal(signal.SIGALRM, _alarm)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            return self._name(cell, fetched)
        except BaseException:                   # no grade depends on it
            return ""
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _name(self, cell: Cell, fetched: dict) -> str:
        question = cell.grade_id.removeprefix("test_")
        answer = fetched.get(question)
        if not self.folder or not getattr(answer, "calls", None):
            return ""
        alike = [path for path in sorted((self.folder / question).glob("wrong_*.py"))
                 if self._computes(path, question, answer.calls)]
        if len(alike) != 1:                     # on few inputs several slips look the same
            return ""
        said = alike[0].read_text(encoding="utf-8").split("\n", 1)[0].lstrip("# ").strip()
        return f"On these inputs your answer does what a well-known slip does: it {said}."

    def _computes(self, path: Path, question: str, calls: list) -> bool:
        namespace = dict(self.instructor.namespace)
        try:
            exec(compile(path.read_text(encoding="utf-8"), question, "exec"), namespace)
            slip = namespace[question]
            return all(_computes(slip, *call) for call in calls)
        except Exception:
            return False


def _computes(slip, args: tuple, kwargs: dict, result, wrt: list[int], asked: list) -> bool:
    """The slip gives the result, and where gradients were asked for, the same ones."""
    args, kwargs = _afresh(copied(args)), _afresh(copied(kwargs))
    inputs = tensors((args, kwargs)) if asked else []
    inputs = [inputs[i].requires_grad_() for i in wrt] if asked else []
    its = slip(*args, **kwargs)
    if not _alike(its, result):
        return False
    for grads, found in asked:
        ends = [(x, grad) for x, grad in zip(tensors(its), grads) if grad is not None]
        slopes = torch.autograd.grad([x for x, _ in ends], inputs, [grad for _, grad in ends],
                                     retain_graph=True, materialize_grads=True, allow_unused=True)
        found = [torch.zeros_like(x) if slope is None else slope
                 for x, slope in zip(inputs, found)]
        if not all(map(_alike, slopes, found)):
            return False
    return True


def _alike(a, b) -> bool:
    """Both are made of the same numbers, to float32's precision, infinities and NaN included."""
    found = False
    for x, y in zip_longest(_numbers(a), _numbers(b)):      # one by one: one may have millions
        if x is None or y is None or x.shape != y.shape or not torch.allclose(
                x.detach().double(), y.detach().double(), rtol=1e-5, atol=1e-7, equal_nan=True):
            return False
        found = True
    return found


def _numbers(x) -> Iterator[torch.Tensor]:
    """All tensors of x, and all its numbers, however large, as tensors."""
    if isinstance(x, list | tuple):
        for part in x:
            yield from _numbers(part)
    elif isinstance(x, int | float):
        yield torch.tensor(float(x))
    else:
        yield from tensors(x)


def _afresh(x):
    """x with functions that count their calls (course_lib.checks.at_most) as they were before."""
    if isinstance(x, dict):
        return {key: _afresh(value) for key, value in x.items()}
    if type(x) in (list, tuple):
        return type(x)(map(_afresh, x))
    return unwrap(x) if isinstance(x, FunctionType) else x
