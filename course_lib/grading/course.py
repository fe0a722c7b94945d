"""The folders of one assignment, and where its grading stands: what is handed in, graded, done."""
import hashlib
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory

from course_lib.grading.beside import without
from course_lib.grading.capitals import Variants
from course_lib.grading.cells import NOT_RUN, marks, role
from course_lib.grading.files import AREA
from course_lib.grading.intake import SECRET, Submission, alike, shown, take
from course_lib.grading.names import composed
from course_lib.grading.release import check
from course_lib.grading.secret import secret
from course_lib.grading.version import fingerprint


class Work(NamedTuple):
    """A notebook to grade: whose it is, where it is staged, and the file where its outputs go."""

    student: str
    staged: Path
    result: Path

    def read(self) -> NotebookNode:
        return nbformat.read(self.staged, as_version=4)


class Course:
    """The folders and the gradebook of one assignment."""

    def __init__(self, coursedir: CourseDirectory):
        self.dir, self.root = coursedir, Path(coursedir.root)
        self.assignment = name = coursedir.assignment_id
        self.submitted = self.root / coursedir.submitted_directory
        self.released = self.root / coursedir.release_directory / name
        self.folders: dict[str, list[str]] = {}
        self.variants = Variants(self.root, name)
        area = self.root / AREA
        if why := _is_no_folder(area, *(area / part for part in ("submitted", "done", "results")),
                                area / "done" / name, area / "results" / name):
            raise NbGraderException(why)
        self.release = {path.stem: nbformat.read(path, as_version=4)
                        for path in sorted(self.released.glob("*.ipynb"))}
        for notebook, nb in self.release.items():
            check(nb, notebook)
            if "answers" not in nb.metadata.get("course", {}):
                raise NbGraderException(f"{name} was released by an older version: run "
                                        f"`nbgrader generate_assignment {name} --force` again.")
        try:
            with Gradebook(coursedir.db_url, coursedir.course_id) as book:
                self.tests = {nb.name: {cell.name: cell.source for cell in nb.source_cells}
                              for nb in book.find_assignment(name).notebooks}
        except MissingEntry:
            self.tests = {}
        if not self.release or not self.tests.keys() >= self.release.keys():
            raise NbGraderException(f"{name} is not released: run "
                                    f"`nbgrader generate_assignment {name}` first.")

    def names(self, student: str) -> bool:
        """Whether the command is about this student."""
        same, excluded = composed(student), self.dir.student_id_exclude.split(",")
        return self.dir.student_id == "*" and same not in map(composed, excluded) or (
            same == composed(self.dir.student_id))

    def students(self) -> list[str]:
        """Whoever has something handed in, of those that the command names. A name is one name,
        whether é is written as one letter or, as on a Mac, as two; `folders` says how it is."""
        folders = self.submitted.iterdir() if self.submitted.is_dir() else ()
        self.folders = {}
        for name in sorted(path.name for path in folders if not path.name.startswith(".")):
            if self.names(name) and self._handed_in(name):
                self.folders.setdefault(composed(name), []).append(name)
        return sorted(self.folders)

    def _handed_in(self, student: str) -> bool:
        folder = self.submitted / student
        try:
            (folder / self.assignment).lstat()
        except OSError:
            return folder.is_symlink() or not folder.is_dir()
        return True

    def staged(self, student: str) -> Path:
        return self.root / AREA / "submitted" / student / self.assignment

    def note(self, student: str) -> Path:
        return self.root / AREA / "done" / self.assignment / f"{student}.json"

    def autograded(self, student: str) -> Path:
        return self.root / self.dir.autograded_directory / student / self.assignment

    def folder(self, student: str) -> str:
        """Which folder of submitted/ counts, of those of one name."""
        return min(self.folders.get(student, [student]), key=lambda name: name != student)

    def secret(self, student: str) -> str:
        return secret(self.submitted / self.folder(student) / self.assignment)

    def stage(self, student: str) -> Submission:
        """Takes a submission, and writes it, rebuilt, where nbgrader will find it. Whatever of it
        was graded before, but not to the end or not as it is now, is put away, so that nbgrader
        grades it."""
        from course_lib.grading.leftout import listed  # which stands on this module
        release, tests = self.variants.given(student, self.release, self.tests)
        submission = take(self.submitted, self.folder(student), self.assignment, release, tests,
                          self.released, listed(self.root, self.assignment).get(student, ""))
        submission = submission._replace(student=student, keys={})
        if len(self.folders.get(student, ())) > 1:
            submission.notes.append("there are two folders of this name, which differ in how "
                                    "accents are written; the one with composed letters counts")
        self.variants.settle(submission)
        places = (self.staged(student), self.autograded(student))
        if why := _is_no_folder(*(path for place in places for path in (place.parent, place))):
            return Submission(student, {}, [], why)
        shutil.rmtree(self.staged(student), ignore_errors=True)
        if submission.refused:
            return submission
        folder = self.staged(student)
        folder.mkdir(parents=True)
        for name, notebook in submission.notebooks.items():
            nbformat.write(notebook, folder / f"{name}.ipynb")
            submission.keys[name] = fingerprint(notebook, self.assignment)
            lighten(notebook)
        if submission.timestamp:
            (folder / "timestamp.txt").write_text(submission.timestamp + " UTC")
        if key := self.secret(student):
            (folder / SECRET).write_text(key)
        if not self.is_done(submission) and self.autograded(student).exists():
            shutil.rmtree(self.autograded(student))
        return submission

    def stage_all(self) -> dict[str, Submission]:
        """Whatever the command names, staged, and nothing else."""
        taken = {student: self.stage(student) for student in self.students()}
        for old in (self.root / AREA / "submitted").glob(f"*/{self.assignment}"):
            if old.parent.name not in taken and not _is_no_folder(old.parent, old):
                shutil.rmtree(old)
        for student, why in alike(list(taken)).items():
            taken[student].notes.append(why)
        return taken

    def times(self, taken: dict[str, Submission]) -> dict[str, str]:
        """What the collector wrote of whoever is not refused, in UTC, or nothing."""
        return {student: submission.timestamp for student, submission in taken.items()
                if not submission.refused}

    def fingerprint(self, submission: Submission) -> str:
        keys = [key for _, key in sorted(submission.keys.items())]
        parts = [*keys, self.secret(submission.student)]
        return hashlib.sha256("\n".join(filter(None, parts)).encode()).hexdigest()

    def is_done(self, submission: Submission) -> bool:
        try:
            note = json.loads(self.note(submission.student).read_text())
            return note["key"] == self.fingerprint(submission)
        except (OSError, ValueError, KeyError):
            return False

    def said(self, student: str) -> list[str]:
        """What the instructor is to know of a graded submission: tests that failed because a cell
        of the course did not run."""
        try:
            return json.loads(self.note(student).read_text())["said"]
        except (OSError, ValueError, KeyError):
            return []

    def mark_done(self, submission: Submission) -> None:
        """Notes that a submission is graded; feedback on what was graded before goes."""
        old = self.root / self.dir.feedback_directory / submission.student / self.assignment
        if not _is_no_folder(old.parent, old):
            shutil.rmtree(old, ignore_errors=True)
        graded = sorted(self.autograded(submission.student).glob("*.ipynb"))
        notebooks = [nbformat.from_dict(json.loads(path.read_bytes())) for path in graded]
        tests = [cell for nb in notebooks for cell in nb.cells if role(cell) == "test"]
        said = [f"{marks(cell)['grade_id']}: {output.evalue[:200]}" for cell in tests
                for output in cell.outputs if output.get("ename") == NOT_RUN]
        note = {"key": self.fingerprint(submission), "said": said}
        write_whole(self.note(submission.student), json.dumps(note))

    def private(self) -> CourseDirectory:
        """The course as nbgrader's autograde shall see it: handed in is what was rebuilt."""
        traits = {name: getattr(self.dir, name) for name in self.dir.trait_names(config=True)}
        return CourseDirectory(**traits | {"submitted_directory": f"{AREA}/submitted"})


def lighten(notebook: NotebookNode) -> None:
    """Files and pictures stay where it is staged: those of a whole class fill no memory."""
    without(notebook)
    for cell in notebook.cells:
        cell.pop("attachments", None)


def _is_no_folder(*places: Path) -> str:
    """A sentence about the first place that is there and is no folder; nothing where all are."""
    for place in places:
        if place.is_symlink() or place.exists() and not place.is_dir():
            kind = "a link" if place.is_symlink() else "no folder"
            return (f"{place.parent.name}/{shown(place.name)} is {kind}: "
                    "grading writes and removes only in folders of its own.")
    return ""


def write_whole(path: Path, text: str) -> None:
    """All or nothing, also where the power fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
