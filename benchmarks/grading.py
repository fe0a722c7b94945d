"""Grading exercise 1: submissions a minute against nbgrader's stock autograde, on the same
submissions in one run, how it grows, and what one more kernel and checker cost.

grading: seconds from command to table, start included; a run takes 25 minutes on a quiet machine of
two cores. Stock draws the exercise's pictures, and here they are left out but for one row. Each
submission is another notebook, though the answers are ten kinds by turns. "as before": once more,
when all is graded. Two dask workers on this machine share its two cores, and each starts servers of
its own; they are for more than one machine. grading_memory: private memory in MB, before any answer
and at its peak while 40 are graded; a checker is what stock does in its kernel.

Rows of another run stay where only some are asked for, with their date; the ratio to stock is of
one run only.
Stored is a part of a run: without one job, one worker, pictures and nbgrader's own form; 640 were
graded right after the rest.
"""
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import nbformat
import psutil
from common import chosen, write

from course_lib.grading.cells import Cell
from course_lib.grading.engine import Engine, Settings
from course_lib.hidden import answers

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import course as courses  # noqa: E402

TABLES = {"grading": ["how", "submissions", "jobs"], "grading_memory": ["how"]}
NAME = "ex01_minimax"
STOCK = """
del c.Autograde.exporter_class
del c.Autograde.sanitize_preprocessors, c.Autograde.autograde_preprocessors
c.ExecutePreprocessor.timeout = 120
"""
WORDS = {"kernel": "forkserver kernel", "checker": "forkserver checker",
         "stock nbgrader": "ipykernel_launcher"}


class Run(NamedTuple):
    how: str
    submissions: int
    jobs: int


RUNS = [Run("stock nbgrader", 40, 1), Run("sandbox", 40, 2), Run("sandbox", 40, 1),
        Run("sandbox, two dask workers", 40, 2), Run("sandbox, one dask worker", 40, 2),
        Run("sandbox, by `nbgrader autograde`", 40, 1), Run("sandbox, pictures drawn", 40, 2),
        Run("sandbox", 160, 2), Run("sandbox", 640, 2), Run("sandbox, as before", 640, 2)]


class Course(courses.Course):
    """Its commands start as an instructor's do, and not from a process that is warm already."""

    def run(self, *command: str, env: dict | None = None, cwd: Path | None = None) -> str:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run([sys.executable, "-m", *command], cwd=cwd or self.folder, check=True,
                              env=os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.stdout


def course(n: int, settings: str = "", pictures: bool = False) -> Course:
    """A course with n submissions: by turns a solution, wrong and right answers, a blank one; each
    with a line of its own."""
    made = Course(Path(tempfile.mkdtemp(prefix="bench-")), NAME, settings)
    if pictures:
        path = made.folder / "exercises" / NAME / f"{NAME}.ipynb"
        path.write_text(path.read_text().replace('"picture"', '"drawn"'))
    blank, known = made.blank(), answers(NAME)
    kinds = [made.master(), *(courses.with_answers(blank, "wrong", k, known) for k in range(7)),
             *(courses.with_answers(blank, "right", k, known) for k in range(2))]
    for i, notebook in zip(range(n), itertools.cycle(kinds)):
        notebook = nbformat.from_dict(notebook)
        answer = next(cell for cell in notebook.cells if cell.cell_type == "code"
                      and cell.metadata.get("nbgrader", {}).get("solution"))
        answer.source += f"\n# student{i:03d}"
        made.submit(f"student{i:03d}", notebook)
    return made


def private(pid: int) -> float:
    """MB of memory that a process has for itself."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private")) / 1024


class Memory(threading.Thread):
    """Watches processes by a word of their command line, and keeps for each word of `WORDS` the
    most memory that one had for itself, in MB. A context."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.done = dict.fromkeys(WORDS, 0.0), threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.2):
            for process in psutil.process_iter():
                try:
                    command = " ".join(process.cmdline())
                    for kind, word in WORDS.items():
                        if word in command and self._is_one(kind, process):
                            self.most[kind] = max(self.most[kind], private(process.pid))
                except (OSError, psutil.Error):
                    continue

    def _is_one(self, kind: str, process: psutil.Process) -> bool:
        """A kernel in a sandbox is told from the server that it was forked from by its process
        namespace, a checker by its parents: the server, and who waits for it."""
        if kind == "kernel":
            namespace = lambda which: os.stat(f"/proc/{which}/ns/pid").st_ino
            return namespace(process.pid) != namespace("self")
        return kind != "checker" or all(WORDS[kind] in " ".join(parent.cmdline())
                                        for parent in process.parents()[:2])

    def __enter__(self) -> "Memory":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.done.set()
        self.join()


def before() -> dict[str, float]:
    """MB of a kernel and of a checker before any answer."""
    exercise = Settings(asks_for=("course_lib.gan",), known_answers=str(answers(NAME)),
                        checks=("course_lib.hidden.ex01.checks",))
    with Engine(exercise) as engine, Memory() as memory:
        engine.grade([Cell("answer", "import time; time.sleep(3)")])
    return memory.most


def dask(what: str, *options: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "dask", what, *options, "--no-dashboard"]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL,
                            env=os.environ | {"OMP_NUM_THREADS": "1"})


def on_cluster(made: Course, workers: int) -> None:
    """Grades with two threads of so many workers, which are there before."""
    address = "tcp://127.0.0.1:18786"
    cluster = [dask("scheduler", "--host", "127.0.0.1", "--port", "18786")]
    cluster += [dask("worker", address, "--nthreads", str(2 // workers)) for _ in range(workers)]
    try:
        made.grade("--scheduler", address)
    finally:
        for process in reversed(cluster):
            process.terminate()
            process.wait()


def measured(run: Run, made: Course) -> dict:
    """A row of the table `grading`."""
    start = time.monotonic()
    if "nbgrader" in run.how:
        made.nbgrader("autograde", NAME)
    elif "dask" in run.how:
        on_cluster(made, 1 if "one" in run.how else 2)
    else:
        made.grade("--jobs", str(run.jobs))
    seconds = time.monotonic() - start
    return run._asdict() | {"seconds": round(seconds, 1),
                            "per_minute": round(60 * run.submissions / seconds, 1),
                            "ratio_to_stock": ""}


def main() -> None:
    courses.RELEASES = Path(tempfile.mkdtemp(prefix="bench-released-"))
    rows, made, graded = [], None, 0
    for run in chosen(RUNS, __doc__):
        again, memory = run.how == "sandbox, as before", []
        if not (again and graded == run.submissions):
            if made:
                shutil.rmtree(made.folder)
            made = course(run.submissions, STOCK if run == RUNS[0] else "",
                          run.how == "sandbox, pictures drawn")
            if again:
                made.grade("--jobs", str(run.jobs))
        if run in RUNS[:2]:
            with Memory() as peak:
                rows.append(measured(run, made))
            first = before() if run == RUNS[1] else {}
            memory = [{"how": kind, "before_mb": round(first[kind]) if first else "",
                       "private_mb": round(most)} for kind, most in peak.most.items() if most]
        else:
            rows.append(measured(run, made))
        graded = run.submissions if run.how == "sandbox" else 0
        if rows[0]["how"] == RUNS[0].how:
            ratio = rows[-1]["per_minute"] / rows[0]["per_minute"]
            rows[-1]["ratio_to_stock"] = round(ratio, 1)
        print(rows[-1], *memory, flush=True)
        write("grading", rows, tuple(TABLES["grading"]))
        if memory:
            write("grading_memory", memory, tuple(TABLES["grading_memory"]))
    if len(rows) == len(RUNS):                  # then nothing of another run stays
        write("grading", rows)


if __name__ == "__main__":
    main()
