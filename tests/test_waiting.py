"""A gradebook that is locked is waited for, and no terminal stops a command."""
import re
import sqlite3

import pytest
from course import Course
from exercise import ROOT
from nbgrader.api import Gradebook

from course_lib.grading import waiting

NAME = "ex01_minimax"


@pytest.mark.parametrize("lock", ["EXCLUSIVE", "IMMEDIATE", "DEFERRED"])
def test_a_locked_gradebook_is_waited_for_with_one_sentence(lock, tmp_path, monkeypatch):
    monkeypatch.setattr(waiting, "QUIET", 0.01)
    monkeypatch.setattr(waiting, "_said", set())
    waiting.wait_for_gradebook()
    there = f"sqlite:///{tmp_path}/gradebook.db"
    with Gradebook(there) as book:
        book.add_student("ada")
    other = sqlite3.connect(tmp_path / "gradebook.db", isolation_level=None)
    other.execute(f"BEGIN {lock}")
    other.execute("SELECT * FROM student").fetchall()
    heard = []

    class Person:                                       # who closes the other program then
        def write(self, said):
            heard.append(said)
            if other.in_transaction:
                other.execute("COMMIT")

        def flush(self):
            pass
    monkeypatch.setattr(waiting.sys, "stderr", Person())
    with Gradebook(there) as book:
        book.add_student("bea")
        assert [student.id for student in book.students] == ["ada", "bea"]
    assert "".join(heard).strip() == waiting.WAITING


@pytest.mark.loop
def test_grading_gives_up_on_a_locked_gradebook_and_loses_nothing(tmp_path):
    short = ("from course_lib.grading import waiting\n"
             "waiting.QUIET, waiting.PATIENCE = 0.1, 0.2\n")
    course = Course(tmp_path, NAME, short)
    course.submit("Zoë 学生", course.blank())
    other = sqlite3.connect(tmp_path / "gradebook.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")                    # reading goes on, writing does not
    for command in (course.grade, lambda: course.nbgrader("autograde", NAME)):
        with pytest.raises(AssertionError) as failed:
            command()
        assert str(failed.value).count(waiting.WAITING) == 1
        assert str(failed.value).count(waiting.GAVE_UP) == 1
        assert "Traceback" not in str(failed.value)
    other.execute("COMMIT")
    results = [*tmp_path.glob(f".grading/results/{NAME}/*")]
    results = {path: path.stat().st_mtime_ns for path in results}
    assert len(results) == 1
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    said = course.grade("--export", str(tmp_path / "marks.csv"), env=ascii_only)
    assert r"Zo\xeb \u5b66\u751f" in said and re.search(r"graded +0/35", said)
    assert all(path.stat().st_mtime_ns == when for path, when in results.items()), "not again"
    assert "Zoë 学生" in (tmp_path / "marks.csv").read_text(encoding="utf-8")
    for command in (f"autograde {NAME}", "db student list"):
        said = course.run("nbgrader", *command.split(), env=ascii_only)
        assert r"Zo\xeb" in said and "Error" not in said


def test_no_terminal_stops_a_command():
    """Whatever prints as a program says so at its start; what another process starts is not read on
    a terminal."""
    programs = [path for part in ("scripts", "course_lib") for path in ROOT.glob(f"{part}/**/*.py")
                if not {"answers", "hidden"} & {*path.parts}
                and path.name not in ("kernel.py", "forkserver.py", "normal.py")]
    programs = {path: path.read_text(encoding="utf-8") for path in programs}
    prints = {path: text for path, text in programs.items()
              if re.search(r"(?m)^if __name__ == .__main__.|^for .* in .*sys.argv", text)
              and ("print(" in text or "import main" in text)}
    assert len(prints) >= 7
    assert not [path.name for path, text in prints.items()
                if 'reconfigure(errors="backslashreplace")' not in text
                and not re.search(r"print\(.*file=sys.stderr\)", text)]
