"""A submission is data: reads what students hand in, and rebuilds each notebook from the release.

The instructor's cells, their order, ids, points and metadata come from the release, the tests from
the gradebook; from the student come the contents of the answer cells, and cells of their own.
Whatever cannot be read is refused with a sentence.
"""
import os
import re
from pathlib import Path
from typing import NamedTuple

from nbformat import NotebookNode

from course_lib.grading import beside
from course_lib.grading.choice import find
from course_lib.grading.files import (
    MAX_FILE,
    MAX_FILES,
    SECRET,
    Refused,
    entries,
    inside,
    open_file,
    open_folder,
    read_file,
    unzip,
)
from course_lib.grading.moments import Unclear, utc
from course_lib.grading.names import alike, called, is_student, looks, shown, storable
from course_lib.grading.parse import parse
from course_lib.grading.rebuild import rebuild

__all__ = ["MAX_FILE", "MAX_FILES", "SECRET", "Refused", "Submission", "alike", "called",
           "entries", "inside", "is_student", "looks", "open_file", "open_folder",
           "parse", "read_file", "rebuild", "shown", "storable", "take", "unzip"]


class Submission(NamedTuple):
    """What a student handed in, rebuilt, and notes for the instructor; or why it is refused."""

    student: str
    notebooks: dict[str, NotebookNode]
    notes: list[str]
    refused: str = ""
    timestamp: str = ""
    keys: dict[str, str] = {}           # each notebook's fingerprint, once it is staged


def take(submitted: Path, student: str, assignment: str, releases: dict[str, NotebookNode],
         tests: dict[str, dict[str, str]], released: Path | None = None,
         left_out: str = "") -> Submission:
    """One student's submission, rebuilt or refused. released: the folder of the course's files.
    left_out: what collecting says that it did not take."""
    try:
        if not is_student(student):
            raise Refused("The folder's name is no student's: letters, digits and . @ + - _ ' "
                          "are taken, a hundred at most.")
        if (submitted / student).is_symlink():
            raise Refused(f"The folder of {student} is a link, and links are not followed.")
        folder = submitted / student / assignment
        found, notes, lies = find(folder, releases, released)
        built, papers = {}, [*lies.papers]
        unpacked = [note for note in notes if note.startswith("graded without it: ")]
        if any(map(_may_hold_an_answer, [*unpacked, *filter(None, left_out.split("; "))])):
            papers.append("what is left out")
        for name, raw in found.items():
            cells = parse(raw, f"{name}.ipynb")
            built[name], more = rebuild(releases[name], tests[name], cells, papers)
            notes += [*more, *beside.put(built[name], lies.files)]
        notes += lies.notes
        stamp, note = _timestamp(folder)
        return Submission(student, built, notes + note, "", stamp)
    except Refused as why:
        return Submission(student, {}, [], str(why))
    except Exception as error:                  # one submission never stops the others
        why = f"What was handed in cannot be read ({type(error).__name__})."
        return Submission(student, {}, [], why)


def _may_hold_an_answer(why: str) -> bool:
    """Whether a sentence about what is left out names something else than data."""
    kinds = "|".join(kind[1:] for kind in beside.DATA)
    return not re.search(rf"\.({kinds})\b(?!\.)", why, re.IGNORECASE)


def _timestamp(folder: Path) -> tuple[str, list[str]]:
    """What the collector wrote beside the submission; never what a student's archive or notebook
    says."""
    if not os.path.lexists(folder / "timestamp.txt"):
        return "", []
    try:
        text = read_file(str(folder), "timestamp.txt", 100).decode().strip()
        return str(utc(text)), []
    except Unclear as why:
        raise Refused(f"timestamp.txt: {why}") from None
    except ValueError:
        return "", ["an unreadable timestamp, so not counted as late"]
