"""Where nbgrader meets the sandbox: classes that nbgrader_config.py names, and nothing of nbgrader is changed.

`Intake` is the exporter of `nbgrader autograde`: nbgrader makes one at the start of each run, and so submissions are read
and rebuilt before nbgrader looks at them. `Grading` runs the cells, in the place of nbgrader's Execute. `HideTests` goes
before feedback is made.
"""
import atexit
import hashlib
import json
import re
import shutil
import threading
from functools import cache
from pathlib import Path

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Integer, Unicode

from course_lib.grading import outputs, report
from course_lib.grading.engine import Engine
from course_lib.grading.intake import Submission, marks, role, shown, take
from course_lib.grading.sandbox import TOOLBOX, Limits
from course_lib.hidden import answers

AREA = ".grading"                                         # rebuilt submissions, results and notes, in the course's folder
RUBRIC = "rubric-"


@cache
def version() -> str:
    """Changes when what decides a grade changes: this code, the checks, and the toolbox that they stand on."""
    files = sorted(p for room in ("grading", "checks", "proofs", "hidden", "nets") for p in (TOOLBOX / room).rglob("*.py"))
    return hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()


class Course:
    """The folders and the gradebook of one assignment."""

    def __init__(self, coursedir: CourseDirectory):
        self.dir, self.root, self.assignment = coursedir, Path(coursedir.root), coursedir.assignment_id
        self.submitted = self.root / coursedir.submitted_directory
        folder = self.root / coursedir.release_directory / self.assignment
        self.release = {path.stem: nbformat.read(path, as_version=4) for path in sorted(folder.glob("*.ipynb"))}
        try:
            with Gradebook(coursedir.db_url, coursedir.course_id) as book:
                notebooks = book.find_assignment(self.assignment).notebooks
                self.tests = {n.name: {cell.name: cell.source for cell in n.source_cells} for n in notebooks}
        except MissingEntry:
            self.tests = {}
        if not self.release or not self.tests.keys() >= self.release.keys():
            raise NbGraderException(f"{self.assignment} is not released: run `nbgrader generate_assignment {self.assignment}` first.")

    def students(self) -> list[str]:
        """Whoever has something handed in, of those that the command names."""
        wanted = self.dir.student_id
        found = [p.name for p in self.submitted.iterdir() if not p.name.startswith(".")] if self.submitted.is_dir() else []
        excluded = self.dir.student_id_exclude.split(",") if self.dir.student_id_exclude else []
        return sorted(s for s in found if wanted in ("*", s) and s not in excluded and self._handed_in(s))

    def _handed_in(self, student: str) -> bool:
        try:
            (self.submitted / student / self.assignment).lstat()
        except OSError:
            return (self.submitted / student).is_symlink() or not (self.submitted / student).is_dir()
        return True

    def staged(self, student: str) -> Path:
        return self.root / AREA / "submitted" / student / self.assignment

    def note(self, student: str) -> Path:
        return self.root / AREA / "done" / self.assignment / f"{student}.json"

    def autograded(self, student: str) -> Path:
        return self.root / self.dir.autograded_directory / student / self.assignment

    def stage(self, student: str) -> Submission:
        """Takes a submission, and writes it, rebuilt, where nbgrader will find it. Whatever of it was graded before, but not
        to the end or not as it is now, is put away, so that nbgrader grades it."""
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

    def key(self, submission: Submission) -> str:
        parts = [version(), submission.timestamp, *(key(nb) for _, nb in sorted(submission.notebooks.items()))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def is_done(self, submission: Submission) -> bool:
        try:
            return json.loads(self.note(submission.student).read_text())["key"] == self.key(submission)
        except (OSError, ValueError, KeyError):
            return False

    def mark_done(self, submission: Submission) -> None:
        write(self.note(submission.student), json.dumps({"key": self.key(submission)}))

    def private(self) -> CourseDirectory:
        """The course as nbgrader's autograde shall see it: what is handed in is what was rebuilt."""
        traits = {name: getattr(self.dir, name) for name in self.dir.trait_names(config=True)}
        return CourseDirectory(**traits | {"submitted_directory": f"{AREA}/submitted"})


def key(notebook) -> str:
    """A name for what runs in a notebook."""
    cells = [[cell.cell_type, role(cell), cell.source, marks(cell).get("points"), cell.get("attachments")] for cell in notebook.cells]
    return hashlib.sha256(json.dumps([version(), cells]).encode()).hexdigest()


def write(path: Path, text: str) -> None:
    """All or nothing, also where the power fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


class Intake(NotebookExporter):
    """The exporter of Autograde (c.Autograde.exporter_class)."""

    def __init__(self, parent=None, **kwargs):
        super().__init__(parent=parent, **kwargs)
        if isinstance(parent, Autograde):
            course = Course(parent.coursedir)
            taken = course.stage_all()
            for submission in taken.values():
                for why in [submission.refused] if submission.refused else submission.notes:
                    parent.log.warning("%s: %s", shown(submission.student), why)
            if isinstance(parent.parent, AutogradeApp):
                atexit.register(lambda: print(report.table(report.rows(course, taken, {}))))
            parent.coursedir = course.private()
            parent.post_convert_hook = lambda notebooks, **_: course.mark_done(taken[Path(notebooks[0]).parts[-3]])
            parent.init_notebooks()


_engines: dict[str, tuple[Engine, threading.Timer]] = {}
_lock = threading.Lock()


def _close(name: str) -> None:
    with _lock:
        if name in _engines:
            _engines.pop(name)[0].close()


@atexit.register
def _close_all() -> None:
    for name in list(_engines):
        _close(name)


class Grading(NbGraderPreprocessor):
    """Runs a notebook: the student's cells in a sandbox, the tests outside it (in c.Autograde.autograde_preprocessors)."""

    enabled = True
    sandbox = Unicode("bubblewrap", help="'bubblewrap'; or, weaker, a command line that starts the kernel in a container of "
                                         "yours and ends with 'python -m course_lib.grading.kernel'; or 'none'").tag(config=True)
    memory = Integer(2048, help="MB that one submission may use").tag(config=True)
    scratch = Integer(256, help="MB of files that one submission may write").tag(config=True)
    processes = Integer(64, help="processes that one submission may start").tag(config=True)
    cell_timeout = Float(60, help="seconds a cell").tag(config=True)
    total_timeout = Float(900, help="seconds a notebook").tag(config=True)
    results = Unicode("", help="folder of results that are there already; the parallel form sets it").tag(config=True)

    def limits(self) -> Limits:
        return Limits(self.memory << 20, self.scratch << 20, self.processes, int(self.total_timeout), self.cell_timeout, self.total_timeout)

    def settings(self, root: Path, release: Path, notebook) -> tuple:
        """The arguments of an Engine for notebooks of one exercise, which says in its metadata what it asks for."""
        known = answers(release.name)
        checks = known.with_name("checks.py")
        return (tuple(notebook.metadata.get("course", {}).get("asks_for", ())), str(release) if release.is_dir() else "",
                str(known) if known.is_dir() else "", self.limits(), self.sandbox,
                (f"course_lib.hidden.{checks.parent.name}.checks",) if checks.exists() else ())

    def preprocess(self, nb, resources):
        about = resources["nbgrader"]
        course = self.parent.parent.coursedir
        root = Path(course.root)
        stored = root / self.results / f"{key(nb)}.json"
        if self.results and stored.exists():
            shown = json.loads(stored.read_text(encoding="utf-8"))
        else:
            shown = self._warm(root, root / course.release_directory / about["assignment"], nb).grade(jobs(nb))
        outputs.fill(nb, shown)
        add_rubrics(nb, root / course.source_directory / about["assignment"] / f"{about['notebook']}.ipynb")
        return nb, resources

    def _warm(self, root: Path, release: Path, nb) -> Engine:
        """The engine of this exercise; it ends two minutes after the longest that its last notebook can take."""
        name = f"{release} {self.sandbox} {self.limits()}"
        with _lock:
            engine, timer = _engines.get(name) or (Engine(*self.settings(root, release, nb)), None)
            if timer:
                timer.cancel()
            timer = threading.Timer(120 + self.total_timeout, _close, [name])
            timer.daemon = True
            timer.start()
            _engines[name] = engine, timer
        return engine


def jobs(notebook) -> list[dict]:
    """The code cells of a notebook as the checker wants them. Pictures, which show a student that an answer is right, are
    not drawn: an instructor's cell with the tag "picture" does not run, unless a student's own cell uses what it defines."""
    drawn = lambda cell: role(cell) == "given" and "picture" in cell.metadata.get("tags", [])
    return [{"role": "picture" if drawn(cell) else role(cell), "source": cell.source,
             "grade_id": marks(cell).get("grade_id", ""), "points": marks(cell).get("points", 0)}
            for cell in notebook.cells if cell.cell_type == "code"]


def add_rubrics(notebook, master: Path) -> None:
    """Below each answer that a person marks: the master's answer with its rubric. Feedback leaves it out."""
    if not master.exists():
        return
    rubrics = {marks(cell)["grade_id"]: re.sub(r"### (BEGIN|END) SOLUTION\n?", "", cell.source)
               for cell in nbformat.read(master, as_version=4).cells if role(cell) == "answer" and marks(cell).get("grade")}
    order = []
    for cell in notebook.cells:
        order.append(cell)
        if role(cell) == "answer" and marks(cell).get("grade_id") in rubrics:
            text = f"**For the marker; students do not see this.**\n\n{rubrics[marks(cell)['grade_id']]}"
            order.append(nbformat.v4.new_markdown_cell(text, id=f"{RUBRIC}{len(order)}"))
    notebook.cells = order


class HideTests(NbGraderPreprocessor):
    """Takes hidden tests and rubrics out of a notebook (in c.GenerateFeedback.preprocessors, before the others)."""

    enabled = True

    def preprocess(self, nb, resources):
        nb.cells = [cell for cell in nb.cells if not cell.get("id", "").startswith(RUBRIC)]
        for cell in nb.cells:
            if role(cell) == "test":
                cell.source = re.sub(r"(?ms)^[ \t]*### BEGIN HIDDEN TESTS.*?(### END HIDDEN TESTS[^\n]*\n?|\Z)", "", cell.source)
        return nb, resources
