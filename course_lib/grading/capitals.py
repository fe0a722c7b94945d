"""The numbers in capitals of an exercise's first code cell, and whose are which.

A notebook's metadata lists what they may be: "course": {"variants": {"PI": [0.2, 0.3]}}. What
was drawn for whom is kept in .grading/variants/<assignment>.json, which course_lib.grading.variants
writes. Grading takes a student's numbers from there, by the student's name, never from a file that
was handed in.
"""
import ast
import copy
import hashlib
import json
import math
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.utils import compute_checksum

from course_lib.grading.cells import marks, role
from course_lib.grading.files import AREA
from course_lib.grading.intake import Submission
from course_lib.grading.names import composed

Numbers = dict[str, str]                        # a name in capitals: its number, as it is written


def record(root: Path, assignment: str) -> Path:
    return root / AREA / "variants" / f"{assignment}.json"


def first(notebook: NotebookNode) -> NotebookNode | None:
    """The instructor's first code cell."""
    code = (c for c in notebook.cells if c.cell_type == "code" and role(c) != "extra")
    return next(code, None)


def _places(source: str) -> dict[str, tuple[int, int]]:
    """Where in the source, in bytes of UTF-8, the number stands that a name gets at top level."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    starts = [0]
    for line in source.encode().split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    found: dict[str, tuple[int, int]] = {}
    for node in body:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        names, values = [node.targets[0]], [node.value]
        if isinstance(names[0], ast.Tuple) and isinstance(values[0], ast.Tuple):
            names, values = names[0].elts, values[0].elts
        for name, value in zip(names, values):
            number = value.operand if isinstance(value, ast.UnaryOp) else value
            plain = isinstance(number, ast.Constant) and type(number.value) in (int, float)
            if isinstance(name, ast.Name) and plain:
                found[name.id] = (starts[value.lineno - 1] + value.col_offset,
                                  starts[value.end_lineno - 1] + value.end_col_offset)
    return found


def numbers(source: str) -> Numbers:
    """The numbers that a cell gives to names at top level."""
    raw = source.encode()
    return {name: raw[a:b].decode() for name, (a, b) in _places(source).items()}


def with_numbers(source: str, given: Numbers) -> str:
    """The cell with other numbers; names that it gives no number are left out."""
    raw = source.encode()
    for name, (a, b) in sorted(_places(source).items(), key=lambda item: -item[1][0]):
        if name in given:
            raw = raw[:a] + given[name].encode() + raw[b:]
    return raw.decode()


def choices(notebook: NotebookNode) -> dict[str, Sequence[float]]:
    """What a notebook says that its numbers may be. Errors: ValueError."""
    listed = notebook.metadata.get("course", {}).get("variants", {})
    cell = first(notebook)
    there = numbers(cell.source) if listed and cell else {}
    for name, values in listed.items():
        if name not in there:
            raise ValueError(f"variants: the first code cell gives {name} no number.")
        fine = all(type(x) in (int, float) and math.isfinite(x) for x in values)
        if not fine or len(set(values)) < 2:
            raise ValueError(f"variants: {name} needs two numbers or more to draw from.")
    return listed


def draw(salt: str, assignment: str, name: str, given: dict[str, Sequence[float]]) -> Numbers:
    """The numbers of a student or group: the same whenever they are drawn, and nobody's to compute
    who does not know the salt."""
    def place(capital: str, n: int) -> int:
        text = "\0".join((salt, assignment, composed(name), capital))
        return int(hashlib.sha256(text.encode()).hexdigest(), 16) % n

    return {capital: repr(values[place(capital, len(values))])
            for capital, values in given.items()}


def said(given: Numbers) -> str:
    return ", ".join(f"{name} = {number}" for name, number in given.items())


class Variants:
    """Whose numbers are which in an assignment; nobody has any where no record is."""

    def __init__(self, root: Path, assignment: str):
        path = record(root, assignment)
        self.record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def of(self, student: str) -> Numbers:
        return self.record.get("students", {}).get(composed(student), {}).get("numbers", {})

    def put(self, notebook: NotebookNode, student: str) -> None:
        """The student's numbers into a notebook; its first cell counts as unchanged."""
        if not (own := self.of(student)):
            return
        if cell := first(notebook):
            cell.source = with_numbers(cell.source, own)
            if "checksum" in marks(cell):
                cell.metadata.nbgrader["checksum"] = compute_checksum(cell)

    def given(self, student: str, releases: dict[str, NotebookNode],
              tests: dict[str, dict[str, str]]) -> tuple[dict, dict]:
        """Releases and tests (notebook -> grade_id -> source) with the student's numbers."""
        if not (own := self.of(student)):
            return releases, tests
        releases, tests = copy.deepcopy(releases), {name: {**t} for name, t in tests.items()}
        for name, notebook in releases.items():
            self.put(notebook, student)
            cell = first(notebook)
            grade_id = marks(cell).get("grade_id") if cell else None
            if grade_id in tests[name]:
                tests[name][grade_id] = with_numbers(tests[name][grade_id], own)
        return releases, tests

    def settle(self, submission: Submission) -> None:
        """Other numbers than the student's go out of what was handed in, and notes say whose count.
        """
        if not self.record or submission.refused:
            return
        own, others = self.of(submission.student), {}
        for notebook in submission.notebooks.values():
            start = first(notebook)
            before = takewhile(lambda c: role(c) != "answer", notebook.cells)
            for cell in [c for c in before if c.cell_type == "code" and role(c) == "extra"]:
                theirs = numbers(cell.source)
                others |= {name: theirs[name][:20] for name in own
                           if theirs.get(name, own[name]) != own[name]}
                cell.source = with_numbers(cell.source, own)
                if start and own.keys() <= theirs.keys() and (
                        cell.source.strip() == start.source.strip()):
                    notebook.cells.remove(cell)
                    one = "1 cell of their own"
                    submission.notes[:] = [n for n in submission.notes if n != one]
        submission.notes.append(f"numbers: {said(own)}" if own else
                                "no numbers of their own were drawn: those of the release count")
        if others:
            submission.notes.append(f"handed in with other numbers than theirs: {said(others)}")
