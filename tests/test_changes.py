"""A release is made anew as a whole or not at all, and after hand-in grades and marks live on."""
import shutil
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from course import Course, cell
from exercise import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from course_lib.grading import changes

NAME = "ex97_toy"
KILL = """
import os, signal, sys
from nbgrader.preprocessors import NbGraderPreprocessor
class Kill(NbGraderPreprocessor):
    def preprocess(self, nb, resources):
        os.kill(os.getpid(), signal.SIGKILL)
"""
CONFIG = """
import sys
sys.path.insert(0, c.CourseDirectory.root)
if c.CourseDirectory.root and (Path(c.CourseDirectory.root) / "kill.py").exists():
    c.GenerateAssignment.preprocessors.append("kill.Kill")
"""
pytestmark = pytest.mark.loop


def marked(made, name: str, **marks):
    marks = {"solution": False, "grade": False, "locked": False, "schema_version": 3} | marks
    made.metadata["nbgrader"] = marks | {"grade_id": name}
    if marks["grade"]:
        made.metadata.nbgrader["cell_type"] = made.cell_type
    return made


def test_cell(name: str, source: str, points: float = 2):
    return marked(new_code_cell(source), name, grade=True, locked=True, points=points)


test_cell.__test__ = False


def master():
    solution = "### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
    return new_notebook(cells=[
        marked(new_code_cell(f"def twice(x):\n    {solution}"), "twice", solution=True),
        test_cell("test_twice", "assert twice(2.0) == 4"),
        marked(new_markdown_cell("Why?"), "why", grade=True, solution=True, points=3)])


def write(course, notebook) -> None:
    nbformat.write(notebook, course.folder / "solutions" / NAME / f"{NAME}.ipynb")


def generate(course, *options: str) -> str:
    return course.nbgrader("generate_assignment", NAME, "--force", *options)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Handed in, graded, and marked by a person."""
    made = Course.there(tmp_path_factory.mktemp("changes"), NAME)
    (made.folder / "solutions" / NAME).mkdir(parents=True)
    config = (ROOT / "nbgrader_config.py").read_text() + CONFIG
    (made.folder / "nbgrader_config.py").write_text(config)
    write(made, master())
    made.nbgrader("generate_assignment", NAME)
    notebook = made.blank()
    cell(notebook, "twice").source = "def twice(x):\n    return x + x"
    cell(notebook, "why").source = "Because."
    made.submit("ada", notebook)
    made.grade()
    with Gradebook(f"sqlite:///{made.folder}/gradebook.db") as book:
        book.find_grade("why", NAME, NAME, "ada").manual_score = 2.5
        book.db.commit()
    return made


def cells(course) -> dict:
    """All that the gradebook says of the exercise's cells."""
    with Gradebook(f"sqlite:///{course.folder}/gradebook.db") as book:
        notebook, = book.find_assignment(NAME).notebooks
        return {(kind, one.name): one.to_dict() for kind in ("grade", "solution", "source")
                for one in getattr(notebook, f"{kind}_cells")}


def release(course) -> dict:
    folder = course.folder / "exercises" / NAME
    return {path.name: path.read_bytes() for path in folder.rglob("*")}


def refused(course, *options: str) -> str:
    """What a failing release says; nothing else may change."""
    before = cells(course), release(course), course.scores()
    with pytest.raises(AssertionError) as why:
        generate(course, *options)
    assert (cells(course), release(course), course.scores()) == before and before[1]
    return str(why.value)


def test_a_refused_test_leaves_the_old_release_and_the_gradebook(course):
    broken = master()
    cell(broken, "test_twice").metadata.nbgrader.points = 9
    broken.cells.append(test_cell("test_more", "assert nobody_defines_this"))
    write(course, broken)
    said = refused(course)
    assert "needs nobody_defines_this" in said
    assert f"exercises/{NAME} and the gradebook's cells are as they were" in said


def test_what_fails_after_the_cells_were_looked_at_leaves_them_too(course):
    broken = master()
    cell(broken, "test_twice").metadata.nbgrader.points = 9
    cell(broken, "test_twice").source += "\n### BEGIN HIDDEN TESTS\nassert twice(3.0) == 6"
    write(course, broken)
    assert "as they were" in refused(course)


@pytest.mark.parametrize("fails, kept", [
    ("swap", "the gradebook's cells are as they were"), ("first", "cells are as they were"),
    ("second", "the gradebook has some of the new cells: run it again"), ("nothing", "")])
def test_the_last_step_fails_and_the_old_release_is_back(tmp_path, monkeypatch, fails, kept):
    whole, saved = object.__new__(changes.Whole), []
    whole.old, whole.new, whole.kept = (tmp_path / name / NAME for name in ("ex", "new", "kept"))
    for folder in (whole.old, whole.new):
        folder.mkdir(parents=True)
        (folder / "text").write_text(folder.parent.name)
    whole.done = whole.saved = False
    whole.database = True

    def save(number):
        def run(*_):
            if number == fails:
                raise OSError("locked")
            saved.append(number)
        return SimpleNamespace(admit=lambda *_, **more: None, save=run)

    def rename(self, to, then=Path.rename):
        if fails == "swap" and self == whole.new:
            raise OSError("exercises is not writable")
        return then(self, to)

    whole.pending = [(save(number), None, None) for number in ("first", "second")]
    monkeypatch.setattr(changes, "_check_notebooks", lambda _: None)
    monkeypatch.setattr(Path, "rename", rename)
    parent = SimpleNamespace(coursedir=SimpleNamespace(assignment_id=NAME), no_database=True,
                             init_assignment=lambda *_: None, set_permissions=lambda *_: None)
    if fails == "nothing":
        whole._finish(parent, None, {})
    else:
        with pytest.raises(SystemExit):
            whole._finish(parent, None, {})
        assert kept in whole._as_it_was(f"ex/{NAME}")
    assert (whole.old / "text").read_text() == ("new" if fails == "nothing" else "ex")
    assert not whole.new.exists() and not whole.kept.exists()
    assert saved == {"second": ["first"], "nothing": ["first", "second"]}.get(fails, [])


def test_killed_midway_it_leaves_them_too(course):
    (course.folder / "kill.py").write_text(KILL)
    changed = master()
    cell(changed, "test_twice").metadata.nbgrader.points = 9
    write(course, changed)
    refused(course)
    (course.folder / "kill.py").unlink()


def test_points_and_a_test_change_after_hand_in_and_marks_stay(course):
    changed = master()
    cell(changed, "test_twice").metadata.nbgrader.points = 4
    changed.cells.insert(2, test_cell("test_more", "assert twice(3.0) == 6", 1))
    write(course, changed)
    said = generate(course)
    assert "new: test_more; other points: test_twice. 1 submissions are there" in said
    assert f"run `python -m course_lib.grading {NAME}`" in said
    row = course.grade().splitlines()[-1]
    assert row.split()[:3] == ["ada", "graded", "7.5/8"]
    assert course.scores()["ada"] == {"twice": 4, "more": 1, "why": 2.5}


def test_a_question_goes_only_by_name(course):
    gone = master()
    gone.cells.pop()
    gone.cells.insert(0, marked(new_markdown_cell("Why not?"), "why_not", grade=True,
                                solution=True, points=3))
    write(course, gone)
    said = refused(course)
    assert "the master has no test_more,why any more, and 1 submissions have it" in said
    assert "1 marks of a person among them" in said and "--Save.gone=test_more,why" in said
    assert "the master has no test_more any more" in refused(course, "--Save.gone=why")
    generate(course, "--Save.gone=test_more,why")
    row = course.grade().splitlines()[-1]
    assert row.split()[:3] == ["ada", "graded", "2/5"] and "why_not" in row
    assert course.scores()["ada"].keys() == {"twice", "why_not"}
    shutil.rmtree(course.folder / "autograded")
    course.nbgrader("autograde", NAME)
    assert course.scores()["ada"]["twice"] == 2


def test_another_notebooks_name_is_refused_where_somebody_handed_in(course):
    master_file = course.folder / "solutions" / NAME / f"{NAME}.ipynb"
    master_file.rename(master_file.with_name("other.ipynb"))
    assert "give the notebooks their old names again" in refused(course)
    master_file.with_name("other.ipynb").rename(master_file)
