"""Names the misconception behind a wrong answer: it computes what a known wrong answer computes."""
from pathlib import Path

import torch

from course_lib.checks.answers import copied
from course_lib.grading.cells import Cell
from course_lib.grading.wire import tensors


class Misconceptions:
    """The known wrong answers of an exercise: a folder per question with files wrong_*.py, whose
    first line says in a comment what is different about them. They are the instructor's, and run in
    the checker, in the namespace of `instructor`."""

    def __init__(self, folder: str, instructor):
        self.folder, self.instructor = folder and Path(folder), instructor

    def name(self, cell: Cell, fetched: dict) -> str:
        """A sentence for the feedback, or nothing. fetched: what the test had from the kernel."""
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
    args, kwargs = copied(args), copied(kwargs)
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
    near = lambda x, y: x.shape == y.shape and torch.allclose(
        x.detach().double(), y.detach().double(), rtol=1e-5, atol=1e-7, equal_nan=True)
    mine, its = _numbers(a), _numbers(b)
    return bool(mine) and len(mine) == len(its) and all(map(near, mine, its))


def _numbers(x) -> list[torch.Tensor]:
    """All tensors of x, and all its numbers, however large, as tensors."""
    if isinstance(x, list | tuple):
        return [number for part in x for number in _numbers(part)]
    return tensors(x) or ([torch.tensor(float(x))] if isinstance(x, int | float) else [])
