"""A copy of the course in a temporary folder, from release to feedback, by the commands that an instructor types."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from exercise import ROOT

from course_lib.grading.sandbox import NoSandbox, bubblewrap


class Course:
    """One exercise, released. `settings` are further lines of nbgrader_config.py."""

    def __init__(self, folder: Path, name: str, settings: str = ""):
        try:
            bubblewrap()
        except NoSandbox as why:
            pytest.skip(str(why))
        self.folder, self.name = folder, name
        (folder / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text() + settings)
        shutil.copytree(ROOT / "solutions" / name, folder / "solutions" / name)
        self.nbgrader("generate_assignment", name)

    def run(self, *command: str, env: dict | None = None) -> str:
        environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
        done = subprocess.run([sys.executable, "-m", *command], cwd=self.folder, env=environment | (env or {}), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout[-3000:]}"
        return done.stdout

    def nbgrader(self, *command: str) -> str:
        return self.run("nbgrader", *command)

    def grade(self, *options: str, env: dict | None = None) -> str:
        """The parallel form; returns what it prints, which ends with the table."""
        return self.run("course_lib.grading", self.name, *options, env=env)

    def blank(self):
        return nbformat.read(self.folder / "exercises" / self.name / f"{self.name}.ipynb", as_version=4)

    def master(self):
        return nbformat.read(self.folder / "solutions" / self.name / f"{self.name}.ipynb", as_version=4)

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
            return {submission.student.id: {grade.name.removeprefix("test_"): grade.score
                                            for notebook in submission.notebooks for grade in notebook.grades}
                    for submission in book.assignment_submissions(self.name)}

    def feedback(self, student: str) -> str:
        return (self.folder / "feedback" / student / self.name / f"{self.name}.html").read_text(encoding="utf-8")


def cell(notebook, grade_id: str):
    """The cell with that grade_id."""
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def with_answers(notebook, kind: str, k: int, answers: Path):
    """The notebook with the k-th wrong or right answer to every question that has some."""
    notebook = nbformat.from_dict(notebook)
    for c in notebook.cells:
        files = sorted((answers / c.metadata.get("nbgrader", {}).get("grade_id", "-")).glob(f"{kind}_*.py"))
        if files:
            c.source = files[k % len(files)].read_text().split("\n", 1)[1].strip()
        elif c.cell_type == "markdown" and c.metadata.get("nbgrader", {}).get("solution"):
            c.source = "A written answer, which a person marks."
    return notebook
