"""Killed at any moment and started again, grading ends with the gradebook of a run that nobody disturbed."""
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from course import Course, with_answers

from course_lib.hidden import answers

NAME = "ex01_minimax"
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}


def made(folder: Path) -> Course:
    course = Course(folder, NAME)
    for k in range(6):
        course.submit(f"student{k}", with_answers(course.blank(), "wrong" if k % 2 else "right", k, answers(NAME)))
    return course


def book(course: Course) -> dict[str, list]:
    """Every table of the gradebook without its random ids."""
    with sqlite3.connect(course.folder / "gradebook.db") as db:
        grades = """select s.student_id, c.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade
                    from grade g join base_cell c on g.cell_id = c.id join submitted_notebook n on g.notebook_id = n.id
                    join submitted_assignment s on n.assignment_id = s.id order by 1, 2"""
        comments = """select s.student_id, c.name, m.auto_comment from comment m join base_cell c on m.cell_id = c.id
                      join submitted_notebook n on m.notebook_id = n.id join submitted_assignment s on n.assignment_id = s.id order by 1, 2"""
        tables = [name for name, in db.execute("select name from sqlite_master where type = 'table' and name not like 'alembic%'")]
        counts = sorted((name, *db.execute(f'select count(*) from "{name}"').fetchone()) for name in tables)
        return {"grades": db.execute(grades).fetchall(), "comments": db.execute(comments).fetchall(), "counts": counts}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    course = made(tmp_path_factory.mktemp("undisturbed"))
    start = time.monotonic()
    course.grade("--jobs", "2")
    return book(course), time.monotonic() - start


def left_over(course: Course) -> list[int]:
    """Processes that still work for this course."""
    mine = str(course.folder)
    return [p.pid for p in psutil.process_iter(["cmdline", "cwd"]) if p.info["cwd"] == mine or mine in " ".join(p.info["cmdline"] or [])]


def killed_at_random(tmp_path, undisturbed, times: int, seed: int) -> None:
    expected, seconds = undisturbed
    course, rng = made(tmp_path), random.Random(seed)
    for _ in range(times):
        run = subprocess.Popen([sys.executable, "-m", "course_lib.grading", NAME, "--jobs", "2"], cwd=course.folder, env=ENVIRONMENT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.2, 1) * seconds)
        run.send_signal(signal.SIGKILL)
        run.wait()
        deadline = time.monotonic() + 10
        while left_over(course) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not left_over(course), "kernels and checkers end with the run that made them"
    course.grade("--jobs", "2")
    assert book(course) == expected
    assert "as before" in (said := course.grade("--jobs", "2")) and "graded" not in said.replace("status", ""), "nothing is graded twice"


@pytest.mark.loop
def test_a_run_killed_three_times_ends_as_if_it_had_not_been(tmp_path, undisturbed):
    killed_at_random(tmp_path, undisturbed, 3, seed=3)


@pytest.mark.loop
@pytest.mark.slow
def test_a_run_killed_ten_times_ends_as_if_it_had_not_been(tmp_path, undisturbed):
    killed_at_random(tmp_path, undisturbed, 10, seed=10)
