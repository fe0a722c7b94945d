"""Killed at any moment and started again, grading ends with the gradebook of a run that nobody
disturbed; and so it does on a cluster, of which a worker dies in the middle."""
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from course import Course, cell, warm, with_answers
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory

from course_lib.grading.course import Course as Folders
from course_lib.hidden import answers

NAME = "ex01_minimax"
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
ENVIRONMENT = os.environ | {"PATH": PATH, "OMP_NUM_THREADS": "1"}
PATIENCE = 120                                 # seconds, for what takes one or two
GRADES = """
    select s.student_id, c.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade
    from grade g join base_cell c on g.cell_id = c.id
    join submitted_notebook n on g.notebook_id = n.id
    join submitted_assignment s on n.assignment_id = s.id order by 1, 2"""
COMMENTS = """
    select s.student_id, c.name, m.auto_comment
    from comment m join base_cell c on m.cell_id = c.id
    join submitted_notebook n on m.notebook_id = n.id
    join submitted_assignment s on n.assignment_id = s.id order by 1, 2"""
TABLES = "select name from sqlite_master where type = 'table' and name not like 'alembic%'"
pytestmark = pytest.mark.loop


def made(folder: Path) -> Course:
    course = Course(folder, NAME)
    for k in range(6):
        kind = "wrong" if k % 2 else "right"
        work = with_answers(course.blank(), kind, k, answers(NAME), only="game_value")
        answer = cell(work, "game_value")              # which leaves a middle to be killed in
        answer.source = f"import time\ntime.sleep(0.5)\n{answer.source}"
        course.submit(f"student{k}", work)
    return course


def book(course: Course) -> dict[str, list]:
    """Every table of the gradebook without its random ids."""
    with sqlite3.connect(course.folder / "gradebook.db") as db:
        count = lambda name: db.execute(f'select count(*) from "{name}"').fetchone()
        counts = sorted((name, *count(name)) for name, in db.execute(TABLES).fetchall())
        grades, comments = (db.execute(query).fetchall() for query in (GRADES, COMMENTS))
    return {"grades": grades, "comments": comments, "counts": counts}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    course = made(tmp_path_factory.mktemp("undisturbed"))
    course.grade("--jobs", "2")
    return book(course)


def progress(course: Course) -> int:
    """Of six submissions, how many are graded, and how many of those the gradebook has: 0 to 12."""
    places = (f".grading/results/{NAME}/*.json", f"autograded/*/{NAME}")
    return sum(len(list(course.folder.glob(place))) for place in places)


def left_over(course: Course) -> list[int]:
    """Processes that still work for this course."""
    mine = str(course.folder)
    about = [(p.pid, p.info) for p in psutil.process_iter(["cmdline", "cwd"])]
    at_it = lambda info: info["cwd"] == mine or mine in " ".join(info["cmdline"] or [])
    return [pid for pid, info in about if at_it(info)]


def killed_at_random(tmp_path, undisturbed, times: int, seed: int) -> None:
    """While it starts, and whenever it has come so far, or a little further."""
    course, rng = made(tmp_path), random.Random(seed)
    for far in [0, *sorted(rng.sample(range(1, 12), times - 1))]:
        command = [sys.executable, "-m", "course_lib.grading", NAME, "--jobs", "2"]
        run = subprocess.Popen(command, cwd=course.folder, env=ENVIRONMENT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while progress(course) < far and run.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5 if far else 2))
        run.send_signal(signal.SIGKILL)
        run.wait()
        deadline = time.monotonic() + PATIENCE
        while left_over(course) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not left_over(course), "kernels and checkers end with the run that made them"
    course.grade("--jobs", "2")
    assert book(course) == undisturbed
    said = course.grade("--jobs", "2")
    assert "as before" in said and "graded" not in said, "nothing is graded twice"


def test_a_run_killed_three_times_ends_as_if_it_had_not_been(tmp_path, undisturbed):
    killed_at_random(tmp_path, undisturbed, 3, seed=3)


@pytest.mark.slow
def test_a_run_killed_ten_times_ends_as_if_it_had_not_been(tmp_path, undisturbed):
    killed_at_random(tmp_path, undisturbed, 10, seed=10)


def start(what: str, *options: str) -> subprocess.Popen:
    """A part of a dask cluster."""
    command = [sys.executable, "-m", "dask", what, *options, "--no-dashboard"]
    return subprocess.Popen(command, env=ENVIRONMENT, start_new_session=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill(process: subprocess.Popen) -> None:
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        member.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, PATIENCE)


def test_a_cluster_grades_and_a_worker_that_dies_loses_nothing(tmp_path, undisturbed):
    course = made(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", str(port))
    workers = [start("worker", address, "--nthreads", "1", "--no-nanny") for _ in range(2)]

    def kill_one_in_the_middle() -> None:
        while not list(tmp_path.glob(".grading/results/*/*.json")):
            time.sleep(0.05)
        kill(workers[0])

    try:
        threading.Thread(target=kill_one_in_the_middle, daemon=True).start()
        said = course.grade("--scheduler", address)
    finally:
        dead = workers[0].poll() is not None
        for process in [*workers[dead:], scheduler]:
            kill(process)
    assert dead and "failed" not in said, said
    assert book(course) == undisturbed


PUSHED = """
import os
from course_lib.grading import engine
from course_lib.grading.cells import Cell
grade = engine.Engine.grade
def pushed(self, cells):
    found = any("# pushes" in cell.source for cell in cells) and "PUSHED" in os.environ
    kill = Cell("test", "import os, signal\\nos.kill(os.getpid(), signal.SIGKILL)")
    return grade(self, [*cells, kill] if found else cells)
engine.Engine.grade = pushed
"""


@pytest.mark.parametrize("command", ["course_lib.grading", "nbgrader autograde"])
def test_a_checker_that_dies_is_one_row_and_nothing_else(tmp_path, command):
    course = Course(tmp_path, NAME, PUSHED)
    for student in ("ada", "bob", "cleo"):
        notebook = with_answers(course.blank(), "right", 0, answers(NAME), only="game_value")
        notebook.cells.append(nbformat.v4.new_code_cell("# pushes" * (student == "bob")))
        course.submit(student, notebook)
    run = lambda **more: warm().run(*command.split(), NAME, cwd=course.folder,
                                    env=ENVIRONMENT | more)
    code, said = run(PUSHED="1")
    lines = said.rpartition("student  status")[2].splitlines()[1:]
    table = {line.split()[0]: line for line in lines}
    assert code == 1, said
    assert "failed: its checker ended (Killed)" in table["bob"], said
    assert all("graded" in table[name] for name in ("ada", "cleo")), said
    assert not (tmp_path / "autograded" / "bob" / NAME).exists()
    assert not any(course.scores().pop("bob", {}).values())
    code, said = run()
    assert code == 0 and "failed" not in said, said
    scores = course.scores()
    assert scores["ada"] == scores["bob"] == scores["cleo"] and any(scores["bob"].values())


def test_no_link_leads_the_grader_elsewhere(tmp_path):
    course = Course(tmp_path / "course", NAME)
    for student in ("ada", "bob", "cleo"):
        course.submit(student, course.blank())
    links = {"autograded/ada": "elsewhere", ".grading/submitted/bob": "submitted/bob",
             ".grading/submitted/dora": "submitted/ada"}
    kept = [tmp_path / "elsewhere" / NAME / "kept", *course.folder.glob("submitted/*/*/*.ipynb")]
    kept[0].parent.mkdir(parents=True)
    kept[0].write_text("x")
    for link, target in links.items():
        (course.folder / link).parent.mkdir(parents=True, exist_ok=True)
        place = tmp_path if target == "elsewhere" else course.folder
        (course.folder / link).symlink_to(place / target)
    folders = CourseDirectory(root=str(course.folder), course_id="generative-models",
                              source_directory="solutions", release_directory="exercises",
                              assignment_id=NAME)
    taken = Folders(folders).stage_all()
    assert "autograded/ada is a link" in taken["ada"].refused
    assert "bob is a link" in taken["bob"].refused and not taken["cleo"].refused
    assert all(path.exists() for path in kept) and len(kept) == 4
    shutil.rmtree(course.folder / ".grading")
    (course.folder / ".grading").symlink_to(course.folder)
    with pytest.raises(NbGraderException, match=r"\.grading is a link"):
        Folders(folders)
