"""Who marks which written answer, what each gave, and how far two who marked the same agree.

The record of an assignment is a plain dict: "salt", "answers" (key -> who hands in, where, whose it
is to mark) and "given" (key -> marker -> points, comment and version of the answer).
"""
import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

LETTERS = "bcdfghjkmnpqrstvwxz"                 # no digits: a spreadsheet makes a number of 12E3


class Answer(NamedTuple):
    """A written answer of a student. question: what the marker reads. version: of the text."""

    student: str
    notebook: str
    grade_id: str
    question: str
    most: float
    version: str


def code(*parts: str, length: int = 6) -> str:
    """Letters that stand for the parts, and tell nothing of them if one is secret."""
    n = int(hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest(), 16)
    return "".join(LETTERS[n // len(LETTERS) ** i % len(LETTERS)] for i in range(length))


def key(record: Mapping, answer: Answer) -> str:
    """submission/question, as the marker reads it."""
    return f"{code(record['salt'], answer.student)}/{answer.question}"


def split(record: dict, answers: Mapping[str, Answer], markers: Sequence[str],
          double: float) -> None:
    """Gives each answer that nobody has to the marker with the fewest of its question, and a share
    of all, `double`, to a second one as well. What somebody has stays with them."""
    assigned = record["answers"]
    order = lambda *parts: hashlib.sha256("\0".join((record["salt"], *parts)).encode()).digest()
    all_of = Counter(marker for there in assigned.values() for marker in there["markers"])
    for question in sorted({answer.question for answer in answers.values()}):
        old = [there for there in assigned.values() if there["question"] == question]
        new = sorted((k for k, answer in answers.items()
                      if answer.question == question and k not in assigned), key=order)
        load = Counter(marker for there in old for marker in there["markers"])
        twice = round(double * (len(old) + len(new))) - sum(len(a["markers"]) > 1 for a in old)
        for i, k in enumerate(new):
            free = sorted(markers, key=lambda m: (load[m], all_of[m], order(k, m)))
            chosen = free[:2 if i < twice else 1]
            load.update(chosen)
            all_of.update(chosen)
            answer = answers[k]
            assigned[k] = {"student": answer.student, "notebook": answer.notebook,
                           "grade_id": answer.grade_id, "question": question, "markers": chosen}


def given(record: Mapping, k: str, version: str | None = None) -> dict[str, dict]:
    """What the markers of an answer gave, of this version of it, or of any."""
    marks = record["given"].get(k, {})
    return {m: marks[m] for m in record["answers"].get(k, {}).get("markers", ())
            if m in marks and version in (None, marks[m]["version"])}


def pairs(record: Mapping) -> dict[str, tuple[list[str], list[float]]]:
    """key -> the two markers and their points, where both marked the same version."""
    found = {}
    for k, there in record["answers"].items():
        marks = [*given(record, k).values()]
        if len(marks) == 2 and marks[0]["version"] == marks[1]["version"]:
            found[k] = there["markers"], [mark["points"] for mark in marks]
    return found


def intraclass(points: Iterable[Sequence[float]]) -> float:
    """ICC(1,1), the intraclass correlation of a single mark where each answer may have other
    markers (Shrout and Fleiss 1979, case 1); NaN where all marks are equal or answers too few.

    points: (answers, markers)
    """
    x = np.array([*points], dtype=float)
    if len(x) < 2 or np.ptp(x) == 0:
        return math.nan
    n = x.shape[1]
    between, within = n * x.mean(1).var(ddof=1), x.var(1, ddof=1).mean()
    return float((between - within) / (between + (n - 1) * within))


def disagreements(record: Mapping) -> list[str]:
    """Lines: each answer that two marked differently, and how far they agree on each question."""
    lines, both = [], pairs(record)
    apart = lambda item: -abs(np.subtract(*item[1][1]))
    for k, ((a, b), (x, y)) in sorted(both.items(), key=apart):
        if x != y:
            state = " (settled)" if k in record["settled"] else ""
            lines.append(f"{k}: {a} {x:g}, {b} {y:g}, {abs(x - y):g} apart{state}")
    for question in sorted({there["question"] for there in record["answers"].values()}):
        points = [p for k, (_, p) in both.items()
                  if record["answers"][k]["question"] == question]
        if points:
            icc = intraclass(points)
            said = "not defined" if math.isnan(icc) else f"{icc:.2f}"
            lines.append(f"{question}: {len(points)} marked twice, "
                         f"{np.abs(np.diff(points)).mean():.2g} points apart in the mean, "
                         f"ICC(1,1) {said}")
    return lines or ["No answer has two marks yet."]
