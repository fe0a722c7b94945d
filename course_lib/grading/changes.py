"""A release is made anew as a whole, or not at all, also where submissions are there.

nbgrader removes the old release before it makes the new one, and refuses to add or remove cells
once somebody has handed in. `Whole` makes a release beside the old one; `Save` brings its cells
into the gradebook once all of it is there, and keeps the marks that persons gave.
"""
import atexit
import copy
import shutil
import sys
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbgrader.api import Comment, Grade, Gradebook, MissingEntry
from nbgrader.apps import GenerateAssignmentApp
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import SaveCells
from sqlalchemy.orm import scoped_session, sessionmaker
from traitlets import Unicode

from course_lib.grading.files import AREA

KINDS = ("grade", "solution", "task", "source")


class Whole(NotebookExporter):
    """The exporter of GenerateAssignment (c.GenerateAssignment.exporter_class). nbgrader makes one
    before it removes anything, and so it writes into a folder of its own, which takes the old
    release's place at the end."""

    def __init__(self, parent=None, **kwargs):
        super().__init__(parent=parent, **kwargs)
        self.pending, self.done, self.saved = [], False, False
        if isinstance(parent, GenerateAssignment):
            self._stage(parent)

    def _stage(self, parent: GenerateAssignment) -> None:
        given, name = parent.coursedir, parent.coursedir.assignment_id
        self.old = Path(parent._format_dest(name, "."))
        self.kept = Path(given.root, AREA, "release", "old", name)
        if self.kept.exists() and not self.old.exists():        # killed between two renames
            self.old.parent.mkdir(parents=True, exist_ok=True)
            self.kept.rename(self.old)
        shutil.rmtree(self.kept, ignore_errors=True)
        if self.old.exists() and not parent.force and given.notebook_id == "*":
            return                                              # which nbgrader leaves as it is
        traits = {key: getattr(given, key) for key in given.trait_names(config=True)}
        given.student_id = CourseDirectory(parent=given.parent).student_id
        parent.coursedir = CourseDirectory(
            **traits | {"release_directory": f"{AREA}/release/new"}, parent=given.parent)
        parent.coursedir.assignment_id, parent.coursedir.student_id = name, "."
        self.new = Path(parent._format_dest(name, "."))
        shutil.rmtree(self.new, ignore_errors=True)
        if given.notebook_id != "*" and self.old.exists():
            shutil.copytree(self.old, self.new)
        self.database, parent.no_database = not parent.no_database, True
        then = parent.post_convert_hook
        parent.post_convert_hook = lambda **about: self._finish(parent, then, about)
        if isinstance(parent.parent, GenerateAssignmentApp):
            where = f"{given.release_directory}/{name}"
            atexit.register(
                lambda: None if self.done else print(self._as_it_was(where), file=sys.stderr))

    def _as_it_was(self, where: str) -> str:
        if self.saved:                  # each notebook's cells are a transaction of their own
            return (f"{where} is as it was, and the gradebook has some of the new cells: run it "
                    "again once this is mended.")
        return (f"{self.old.name} is not made anew: {where} and the gradebook's cells are as they "
                "were.")

    def _finish(self, parent: GenerateAssignment, then, about: dict) -> None:
        name = parent.coursedir.assignment_id
        try:
            if self.database:
                _check_notebooks(parent)
                for save, notebook, resources in self.pending:
                    save.admit(notebook, resources, dry=True)
                parent.no_database = False
                parent.init_assignment(name, ".")
                parent.set_permissions(name, ".")
            self._swap()
            try:
                for save, notebook, resources in self.pending if self.database else ():
                    save.save(notebook, resources)
                    self.saved = True
            except BaseException:
                self._swap_back()
                raise
        except Exception as error:              # of a hook, nbgrader tells nobody
            shutil.rmtree(self.new, ignore_errors=True)
            sys.exit(str(error))
        self.done = True
        shutil.rmtree(self.kept, ignore_errors=True)
        if then:
            then(**about)

    def _swap(self) -> None:
        self.kept.parent.mkdir(parents=True, exist_ok=True)
        self.old.parent.mkdir(parents=True, exist_ok=True)
        if self.old.exists():
            self.old.rename(self.kept)
        try:
            self.new.rename(self.old)
        except OSError:
            self._swap_back()
            raise

    def _swap_back(self) -> None:
        if self.old.exists():
            self.old.rename(self.new)
        if self.kept.exists():
            self.kept.rename(self.old)


def _check_notebooks(parent: GenerateAssignment) -> None:
    """Refuses to take a notebook away that is handed in, and to add one. Errors:
    NbGraderException."""
    name, now = parent.coursedir.assignment_id, {Path(path).stem for path in parent.notebooks}
    with Gradebook(parent.coursedir.db_url, parent.coursedir.course_id) as book:
        try:
            found = book.find_assignment(name)
        except MissingEntry:
            return
        before = {notebook.name for notebook in found.notebooks}
        if found.submissions and before != now and parent.coursedir.notebook_id == "*":
            raise NbGraderException(
                f"{name} has {len(found.submissions)} submissions with {_listed(before)}, and the "
                f"master has {_listed(now)}: give the notebooks their old names again, or make the "
                "new one an exercise of its own.")


def _listed(names) -> str:
    return ", ".join(sorted(names)) or "no notebook"


class Save(SaveCells):
    """nbgrader's SaveCells (c.GenerateAssignment.preprocessors), which also adds cells to a
    notebook that is handed in, and takes away those that the instructor names."""

    gone = Unicode("", help=(
        "cells that may leave the gradebook, with all marks for them: their names, with commas "
        "between them")).tag(config=True)

    def preprocess(self, nb, resources):
        about = {"nbgrader": dict(resources["nbgrader"])}
        if isinstance(self.parent, Whole) and hasattr(self.parent, "database"):
            self.parent.pending.append((self, copy.deepcopy(nb), about))
        else:
            self.save(copy.deepcopy(nb), about)
        return nb, resources

    def save(self, nb, resources) -> None:
        super().preprocess(nb, resources)

    def _create_notebook(self, nb):
        """In one transaction: all cells, or none."""
        book, session = self.gradebook, self.gradebook.db
        with book.engine.begin() as connection:
            book.db = scoped_session(sessionmaker(bind=connection, future=True))
            try:
                self._admit(nb)
                super()._create_notebook(nb)
            finally:
                book.db.remove()
                book.db = session

    def admit(self, nb, resources, dry: bool) -> None:
        """Looks whether the gradebook can take the cells. Errors: NbGraderException."""
        about = resources["nbgrader"]
        self.notebook_id, self.assignment_id = about["notebook"], about["assignment"]
        with Gradebook(about["db_url"]) as self.gradebook:
            self._admit(nb, dry)

    def _admit(self, nb, dry: bool = False) -> None:
        book, at = self.gradebook, (self.notebook_id, self.assignment_id)
        try:
            notebook = book.find_notebook(*at)
        except MissingEntry:
            return
        if not notebook.submissions:
            return
        if dry:
            self._look(nb)
        before = {kind: {cell.name: cell for cell in getattr(notebook, f"{kind}_cells")}
                  for kind in KINDS}
        now = {kind: getattr(self, f"new_{kind}_cells") for kind in KINDS}
        gone = [(kind, before[kind][name]) for kind in KINDS for name in before[kind]
                if name not in now[kind]]
        lost = {cell.name for kind, cell in gone if kind != "source"}
        if refused := lost - {name.strip() for name in self.gone.split(",")}:
            raise NbGraderException(self._why(notebook, refused))
        if dry:
            return self._tell(notebook, before, now)
        for kind, cell in gone:
            for part in () if kind == "source" else (*cell.grades, *cell.comments):
                book.db.delete(part)
            book.db.delete(cell)
        book.db.flush()
        for kind in KINDS:
            for name in now[kind].keys() - before[kind].keys():
                cell = getattr(book, f"add_{kind}_cell")(name, *at, **now[kind][name])
                for submission in notebook.submissions:
                    if kind in ("grade", "task"):
                        book.db.add(Grade(cell_id=cell.id, notebook=submission))
                    if kind in ("solution", "task"):
                        book.db.add(Comment(cell_id=cell.id, notebook=submission))
        book.db.commit()
        book.db.expire_all()

    def _look(self, nb) -> None:
        for kind in KINDS:
            setattr(self, f"new_{kind}_cells", {})
        for i, cell in enumerate(nb.cells):
            self.preprocess_cell(cell, {}, i)

    def _why(self, notebook, names: set[str]) -> str:
        """What helps where a question is gone."""
        grades = [grade for submission in notebook.submissions for grade in submission.grades
                  if grade.name in names and grade.manual_score is not None]
        marked = f", {len(grades)} marks of a person among them" if grades else ""
        listed = ",".join(sorted(names))
        return (f"{notebook.name}: the master has no {listed} any more, and "
                f"{len(notebook.submissions)} submissions have it{marked}. If it was renamed, give "
                "the cell its old name again; if it shall not count, set its points to 0; if it "
                "shall go, with all marks for it, run `nbgrader generate_assignment "
                f"{self.assignment_id} --force --Save.gone={listed}`.")

    def _tell(self, notebook, before: dict, now: dict) -> None:
        """What is to be done after this release."""
        new, gone, points, text = set(), set(), set(), set()
        for kind in KINDS:
            new |= now[kind].keys() - before[kind].keys()
            gone |= before[kind].keys() - now[kind].keys()
            for name in before[kind].keys() & now[kind].keys():
                old, info = before[kind][name], now[kind][name]
                if info.get("max_score") != getattr(old, "max_score", None):
                    points.add(name)
                if info.get("source") != getattr(old, "source", None):
                    text.add(name)
        parts = {"new": new, "gone": gone, "other points": points, "other text": text}
        if any(parts.values()):
            said = "; ".join(f"{what}: {_listed(names)}" for what, names in parts.items() if names)
            self.log.warning(
                "%s: %s. %d submissions are there: run `python -m course_lib.grading %s`, which "
                "grades them again; marks that a person gave stay.", notebook.name, said,
                len(notebook.submissions), self.assignment_id)
