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

from course_lib.grading.intake import Submission, take
from course_lib.grading.version import fingerprint

AREA = ".grading"              # rebuilt submissions, results and notes, in the course's folder


class Work(NamedTuple):
    """A notebook to grade: whose it is, and the file where its outputs go."""

    student: str
    notebook: NotebookNode
    result: Path


class Course:
    """The folders and the gradebook of one assignment."""

    def __init__(self, coursedir: CourseDirectory):
        self.dir, self.root = coursedir, Path(coursedir.root)
        self.assignment = name = coursedir.assignment_id
        self.submitted = self.root / coursedir.submitted_directory
        self.released = self.root / coursedir.release_directory / name
        self.release = {path.stem: nbformat.read(path, as_version=4)
                        for path in sorted(self.released.glob("*.ipynb"))}
        try:
            with Gradebook(coursedir.db_url, coursedir.course_id) as book:
                self.tests = {nb.name: {cell.name: cell.source for cell in nb.source_cells}
                              for nb in book.find_assignment(name).notebooks}
        except MissingEntry:
            self.tests = {}
        if not self.release or not self.tests.keys() >= self.release.keys():
            raise NbGraderException(f"{name} is not released: run "
                                    f"`nbgrader generate_assignment {name}` first.")

    def students(self) -> list[str]:
        """Whoever has something handed in, of those that the command names."""
        wanted, excluded = self.dir.student_id, self.dir.student_id_exclude.split(",")
        folders = self.submitted.iterdir() if self.submitted.is_dir() else ()
        names = [path.name for path in folders if not path.name.startswith(".")]
        return sorted(name for name in names if wanted in ("*", name) and name not in excluded
                      and self._handed_in(name))

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

    def stage(self, student: str) -> Submission:
        """Takes a submission, and writes it, rebuilt, where nbgrader will find it. Whatever of it
        was graded before, but not to the end or not as it is now, is put away, so that nbgrader
        grades it."""
        submission = take(self.submitted, student, self.assignment, self.release, self.tests)
        shutil.rmtree(self.staged(student), ignore_errors=True)
        if submission.refused:
            return submission
        folder = self.staged(student)
        folder.mkdir(parents=True)
        for name, notebook in submission.notebooks.items():
            nbformat.write(notebook, folder / f"{name}.ipynb")
        if submission.timestamp:
            (folder / "timestamp.txt").write_text(submission.timestamp + " UTC")
        if not self.is_done(submission) and self.autograded(student).exists():
            shutil.rmtree(self.autograded(student))
        return submission

    def stage_all(self) -> dict[str, Submission]:
        """Whatever the command names, staged, and nothing else."""
        taken = {student: self.stage(student) for student in self.students()}
        for old in (self.root / AREA / "submitted").glob(f"*/{self.assignment}"):
            if old.parent.name not in taken:
                shutil.rmtree(old)
        return taken

    def fingerprint(self, submission: Submission) -> str:
        notebooks = [fingerprint(notebook, self.assignment)
                     for _, notebook in sorted(submission.notebooks.items())]
        return hashlib.sha256("\n".join([submission.timestamp, *notebooks]).encode()).hexdigest()

    def is_done(self, submission: Submission) -> bool:
        try:
            note = json.loads(self.note(submission.student).read_text())
            return note["key"] == self.fingerprint(submission)
        except (OSError, ValueError, KeyError):
            return False

    def mark_done(self, submission: Submission) -> None:
        note = {"key": self.fingerprint(submission)}
        write_whole(self.note(submission.student), json.dumps(note))

    def private(self) -> CourseDirectory:
        """The course as nbgrader's autograde shall see it: handed in is what was rebuilt."""
        traits = {name: getattr(self.dir, name) for name in self.dir.trait_names(config=True)}
        return CourseDirectory(**traits | {"submitted_directory": f"{AREA}/submitted"})


def write_whole(path: Path, text: str) -> None:
    """All or nothing, also where the power fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
