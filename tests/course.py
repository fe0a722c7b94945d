"""A copy of the course in a temporary folder, from release to feedback, by an instructor's
commands."""
import fcntl
import io
import os
import shutil
import sys
import zipfile
from functools import cache
from pathlib import Path

import gradebooks  # noqa: F401
import nbformat
import pytest
from exercise import ROOT
from warm import Warm

from course_lib.grading.machine import bubblewrap
from course_lib.grading.orders import NoSandbox

COMMANDS = ("nbgrader.apps", "nbconvert.exporters", "course_lib.grading.hooks",
            "course_lib.grading.report", "course_lib.grading.cluster", "course_lib.grading.engine",
            "forks", "gradebooks")
RELEASES = Path()                          # of this session: the fixture `releases` sets it


@cache
def warm() -> Warm:
    """For all of this process's courses."""
    return Warm(*COMMANDS)


class Course:
    """One exercise, released. `settings` are further lines of nbgrader_config.py."""

    def __init__(self, folder: Path, name: str, settings: str = ""):
        try:
            bubblewrap()
        except NoSandbox as why:
            pytest.skip(str(why))
        self.folder, self.name = folder, name
        shutil.copytree(self._released(), folder, dirs_exist_ok=True)
        config = (ROOT / "nbgrader_config.py").read_text()
        (folder / "nbgrader_config.py").write_text(config + settings)

    @classmethod
    def there(cls, folder: Path, name: str) -> "Course":
        """A course that lies in the folder already."""
        course = cls.__new__(cls)
        course.folder, course.name = folder, name
        return course

    def _released(self) -> Path:
        """A course that was released once in this session, with its gradebook, to be copied."""
        made, part = RELEASES / self.name, RELEASES / f"{self.name}.part"
        with open(RELEASES / f"{self.name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)           # another worker may be at it
            if not made.exists():
                shutil.rmtree(part, ignore_errors=True)
                shutil.copytree(ROOT / "solutions" / self.name, part / "solutions" / self.name)
                shutil.copy(ROOT / "nbgrader_config.py", part)
                self.run("nbgrader", "generate_assignment", self.name, cwd=part)
                part.rename(made)
        return made

    def run(self, *command: str, env: dict | None = None, cwd: Path | None = None,
            uid: int | None = None) -> str:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"} | (env or {})
        code, said = warm().run(*command, cwd=cwd or self.folder, env=environment,
                               uid=uid)
        assert code == 0, f"{' '.join(command)} failed:\n{said[-3000:]}"
        return said

    def nbgrader(self, *command: str) -> str:
        return self.run("nbgrader", *command)

    def grade(self, *options: str, env: dict | None = None) -> str:
        """The parallel form; returns what it prints, which ends with the table."""
        return self.run("course_lib.grading", self.name, *options, env=env)

    def release_anew(self, master) -> None:
        """Releases another master, with a gradebook that knows nothing of the one before."""
        nbformat.write(master, self.folder / "solutions" / self.name / f"{self.name}.ipynb")
        (self.folder / "gradebook.db").unlink()
        self.nbgrader("generate_assignment", self.name, "--force")

    def read(self, *folders: str):
        """The notebook that lies in a folder of the course."""
        path = self.folder.joinpath(*folders, self.name, f"{self.name}.ipynb")
        return nbformat.read(path, as_version=4)

    def blank(self):
        return self.read("exercises")

    def master(self):
        return self.read("solutions")

    def handed_in(self, student: str) -> Path:
        """The student's folder, made if it is not there."""
        folder = self.folder / "submitted" / student / self.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def submit(self, student: str, notebook) -> None:
        nbformat.write(notebook, self.handed_in(student) / f"{self.name}.ipynb")

    def scores(self) -> dict[str, dict[str, float]]:
        """student -> question -> points, as the gradebook has them."""
        from nbgrader.api import Gradebook
        with Gradebook(f"sqlite:///{self.folder}/gradebook.db") as book:
            submissions = book.assignment_submissions(self.name)
            grades = lambda submission: [g for book in submission.notebooks for g in book.grades]
            name = lambda grade: grade.name.removeprefix("test_")
            points = lambda submission: {name(g): g.score for g in grades(submission)}
            return {submission.student.id: points(submission) for submission in submissions}

    def graded(self, student: str):
        """The notebook as it was graded, with what was shown to its cells."""
        return self.read("autograded", student)

    def said(self, student: str, question: str) -> str:
        """What the test of a question says to the student."""
        shown = cell(self.graded(student), f"test_{question}").outputs
        texts = [output.get("text") or "\n".join(output.get("traceback", ())) for output in shown]
        return "\n".join(texts)

    def feedback(self, student: str) -> str:
        path = self.folder / "feedback" / student / self.name / f"{self.name}.html"
        return path.read_text(encoding="utf-8")


def cell(notebook, grade_id: str):
    """The cell with that grade_id."""
    marks = lambda c: c.metadata.get("nbgrader", {})
    return next(c for c in notebook.cells if marks(c).get("grade_id") == grade_id)


def with_answers(notebook, kind: str, k: int, answers: Path, only: str = ""):
    """The notebook with the k-th wrong or right answer to every question that has some, or to
    `only` one."""
    notebook = nbformat.from_dict(notebook)
    for c in notebook.cells:
        question = c.metadata.get("nbgrader", {}).get("grade_id", "-")
        files = sorted((answers / question).glob(f"{kind}_*.py")) if only in ("", question) else []
        if files:
            c.source = files[k % len(files)].read_text().split("\n", 1)[1].strip()
        elif c.cell_type == "markdown" and c.metadata.get("nbgrader", {}).get("solution"):
            c.source = "A written answer, which a person marks."
    return notebook


def on_one_seed(notebook):
    """The notebook, with hidden tests that take half the time."""
    for c in notebook.cells:
        c.source = c.source.replace("for seed in (1, 2):", "for seed in (1,):")
    return notebook


def zipped(files: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file of them, by their paths."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", kind) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()
