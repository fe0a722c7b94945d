"""The numbers of a graded assignment: scores and their spread, and how each question did."""
import json
import math
import re
import statistics
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    Gradebook,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)

from course_lib.grading.cells import marks, role

ENOUGH = 10                     # submissions, below which a correlation says nothing
SLIP = re.compile(r"On these inputs your answer does what a well-known slip does: it (.+)\.",
                  re.DOTALL)


class Mark(NamedTuple):
    """What a student has in a question. waits: a person still marks it."""

    student: str
    question: str
    score: float
    most: float
    waits: bool


class Question(NamedTuple):
    """Of the `n` submissions that are marked here, so many have all points, some, or none; `waits`
    more wait for a person. discrimination: None where `why` says what is missing."""

    name: str
    most: float
    n: int
    full: int
    part: int
    none: int
    waits: int
    mean: float | None
    discrimination: float | None
    why: str


class Said(NamedTuple):
    """What the tests said to one student: question -> the kind of error, question -> the slip that
    was named. seconds: what the grading took, None where it was not measured."""

    errors: dict[str, str]
    slips: dict[str, str]
    seconds: float | None


def question(cell: str, notebook: str, notebooks: Iterable[str]) -> str:
    """What a question is called: test_loss is loss, and in one of several notebooks nb/loss."""
    name = cell.removeprefix("test_")
    return name if len(set(notebooks)) < 2 else f"{notebook}/{name}"


def graded(notebooks: dict[str, nbformat.NotebookNode]) -> set[str]:
    """The names of those that have a cell with points, as the gradebook has them."""
    return {name for name, notebook in notebooks.items()
            if any(marks(cell).get("grade") or marks(cell).get("task") for cell in notebook.cells)}


def in_gradebook(book: Gradebook, assignment: str, notebooks: Iterable[str] = ()) -> list[Mark]:
    """All marks of an assignment, in one query. notebooks: those with a cell that has points; if
    not given, those in which somebody has a mark."""
    found = (book.db.query(Student.id, Notebook.name, BaseCell.name, Grade.score, Grade.max_score,
                           Grade.needs_manual_grade)
             .select_from(Grade)
             .join(BaseCell, Grade.cell_id == BaseCell.id)
             .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
             .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
             .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
             .join(Student, SubmittedAssignment.student_id == Student.id)
             .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
             .filter(Assignment.name == assignment).all())
    notebooks = set(notebooks) or {row[1] for row in found}
    return [Mark(student, question(cell, notebook, notebooks), score or 0.0, most or 0.0, bool(by))
            for student, notebook, cell, score, most, by in found]


def spread(scores: list[float]) -> dict[str, float | int | None]:
    """n, mean, standard deviation, least, quartiles (of the values between which they lie, in
    equal parts), median, greatest; None where there is nothing to say."""
    n = len(scores)
    low, middle, high = (statistics.quantiles(scores, n=4, method="inclusive") if n > 1
                         else scores * 3 or [None] * 3)
    return {"n": n, "mean": statistics.fmean(scores) if n else None,
            "standard deviation": statistics.stdev(scores) if n > 1 else None,
            "least": min(scores, default=None), "lower quartile": low, "median": middle,
            "upper quartile": high, "greatest": max(scores, default=None)}


def histogram(scores: list[float], most: float) -> list[tuple[float, float, int]]:
    """From, to, and how many lie there, `to` not counted but in the last; 5 to 20 bars of one
    width, 1, 2 or 5 times a power of ten, from the least score, 0 at most, to `most`."""
    top, bottom = max([most, *scores, 0.0]), min([*scores, 0.0])
    if top - bottom <= 0:
        return [(0.0, 1.0, len(scores))]
    power = 10 ** math.floor(math.log10((top - bottom) / 10))
    step = next(k * power for k in (1, 2, 5, 10) if (top - bottom) / (k * power) <= 20)
    first = math.floor(bottom / step + 1e-9)
    last = math.ceil(top / step - 1e-9) - 1
    at = Counter(min(math.floor(score / step + 1e-9), last) for score in scores)
    return [(i * step, (i + 1) * step, at[i]) for i in range(first, last + 1)]


def discrimination(scores: list[float], rest: list[float]) -> tuple[float | None, str]:
    """The corrected item-total correlation (corrected point-biserial where a question gives all or
    nothing): of a question's scores with the totals without it. Or None, and why."""
    if len(scores) < ENOUGH:
        return None, f"fewer than {ENOUGH} marked"
    if len(set(scores)) == 1:
        return None, "all have the same"
    try:
        return round(statistics.correlation(scores, rest), 12) + 0.0, ""   # -2e-17 is 0
    except statistics.StatisticsError:
        return None, "all have the same in the rest"


def questions(found: list[Mark], order: Iterable[str] = ()) -> list[Question]:
    """Each question with points, in this order. A total without a question leaves out the others
    that wait for a person in somebody's submission."""
    by: dict[str, dict[str, Mark]] = {}
    for mark in found:
        by.setdefault(mark.question, {})[mark.student] = mark
    waiting = {mark.question for mark in found if mark.waits}
    place = {name: i for i, name in enumerate(order)}
    names = sorted((name for name in by if max(m.most for m in by[name].values()) > 0),
                   key=lambda name: (place.get(name, len(place)), name))
    result = []
    for name in names:
        marked = {student: mark for student, mark in by[name].items() if not mark.waits}
        scores = [mark.score for mark in marked.values()]
        others = [by[other] for other in by if other != name and other not in waiting]
        rest = [math.fsum(other[student].score for other in others if student in other)
                for student in marked]
        full = sum(mark.score >= mark.most for mark in marked.values())
        none = sum(mark.score <= 0 < mark.most for mark in marked.values())
        value, why = discrimination(scores, rest) if others else (None, "the only one marked")
        result.append(Question(
            name, max(mark.most for mark in by[name].values()), len(marked), full,
            len(marked) - full - none, none, len(by[name]) - len(marked),
            statistics.fmean(scores) if scores else None, value, why))
    return result


def said(folder: Path, notebooks: Iterable[str]) -> Said:
    """What stands in one student's graded notebooks. One that cannot be read says nothing.
    notebooks: the names of the release's with a cell that has points."""
    errors, slips, seconds = {}, {}, []
    for path in sorted(folder.glob("*.ipynb")):
        try:
            notebook = nbformat.from_dict(json.loads(path.read_bytes()))
            tests = [cell for cell in notebook["cells"] if role(cell) == "test"]
        except (OSError, ValueError, KeyError, AttributeError):
            continue
        seconds += [notebook["metadata"].get("grading", {}).get("seconds")]
        for cell in tests:
            name = question(marks(cell)["grade_id"], path.stem, notebooks)
            for output in cell.get("outputs", ()):
                if output.get("output_type") == "error":
                    errors[name] = output.get("ename", "")
                    slip = SLIP.fullmatch((output.get("traceback") or [""])[-1].strip())
                    slips |= {name: slip[1]} if slip else {}
    measured = [value for value in seconds if isinstance(value, int | float)]
    return Said(errors, slips, sum(measured) if measured else None)
