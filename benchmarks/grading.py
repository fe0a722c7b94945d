"""Grading exercise 1: submissions a minute against nbgrader's stock autograde, on the same
submissions in one run, how it grows, and what one more kernel costs.

grading: seconds from command to table. Stock draws the exercise's pictures, and here they are left
out but for one row. The one writer into the gradebook is what limits more jobs. grading_memory:
private memory of a kernel at its peak, MB. Other work ran on one of the cores during the stored
stock run, and the kernels' filter of system calls came after it.
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

import psutil
from common import write

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from course import Course, with_answers  # noqa: E402

from course_lib.hidden import answers  # noqa: E402

TABLES = {"grading": ["how", "submissions", "jobs"], "grading_memory": ["how"]}
NAME = "ex01_minimax"
STOCK = """
del c.Autograde.exporter_class, c.Autograde.autograde_preprocessors
c.ExecutePreprocessor.timeout = 120
"""


def course(n: int, settings: str = "", pictures: bool = False) -> Course:
    """A course with n submissions: by turns a solution, wrong and right answers, a blank one."""
    made = Course(Path(tempfile.mkdtemp(prefix="bench-")), NAME, settings)
    if pictures:
        path = made.folder / "exercises" / NAME / f"{NAME}.ipynb"
        path.write_text(path.read_text().replace('"picture"', '"drawn"'))
    blank, known = made.blank(), answers(NAME)
    kinds = [made.master(), *(with_answers(blank, "wrong", k, known) for k in range(7)),
             *(with_answers(blank, "right", k, known) for k in range(2))]
    for i, notebook in zip(range(n), itertools.cycle(kinds)):
        made.submit(f"student{i:03d}", notebook)
    return made


def private(pid: int) -> float:
    """MB of memory that a process has for itself."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private")) / 1024


class Memory(threading.Thread):
    """Watches kernels, whose command line holds `word`, and keeps the most memory that one had for
    itself, in MB. A sandboxed kernel is told from the server that it was forked from by its process
    namespace."""

    def __init__(self, word: str):
        super().__init__(daemon=True)
        self.word, self.most, self.done = word, 0.0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.2):
            for process in psutil.process_iter(["cmdline"]):
                command = " ".join(process.info["cmdline"] or [])
                try:
                    if self.word in command and self._is_kernel(process.pid):
                        self.most = max(self.most, private(process.pid))
                except OSError:
                    continue

    def _is_kernel(self, pid: int) -> bool:
        namespace = lambda which: os.stat(f"/proc/{which}/ns/pid").st_ino
        return self.word == "ipykernel_launcher" or namespace(pid) != namespace("self")


def dask(what: str, *options: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "dask", what, *options, "--no-dashboard"]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL,
                            env=os.environ | {"OMP_NUM_THREADS": "1"})


def timed(what, *args) -> float:
    start = time.monotonic()
    what(*args)
    return time.monotonic() - start


def main() -> None:
    rows, memory = [], []

    def note(how: str, made: Course, n: int, jobs: int, what, *args, word: str = "") -> None:
        watch = Memory(word)
        if word:
            watch.start()
        seconds = timed(what, *args)
        watch.done.set()
        rows.append({"how": how, "submissions": n, "jobs": jobs, "seconds": round(seconds, 1),
                     "per_minute": round(60 * n / seconds, 1)})
        print(rows[-1], flush=True)
        if word:
            memory.append({"how": how, "private_mb": round(watch.most)})
        shutil.rmtree(made.folder)

    for n, jobs in ((40, 2), (40, 1), (10, 2), (160, 2)):
        made = course(n)
        word = "forkserver kernel" if (n, jobs) == (40, 2) else ""
        note("sandbox", made, n, jobs, made.grade, "--jobs", str(jobs), word=word)
    made = course(40, pictures=True)
    note("sandbox, pictures drawn", made, 40, 2, made.grade, "--jobs", "2")
    made = course(40)
    note("sandbox, by `nbgrader autograde`", made, 40, 1, made.nbgrader, "autograde", NAME)

    made = course(40)
    address = "tcp://127.0.0.1:18786"
    scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", "18786")
    workers = [dask("worker", address, "--nthreads", "1") for _ in range(2)]
    note("sandbox, two dask workers", made, 40, 2, made.grade, "--scheduler", address)
    for process in [*workers, scheduler]:
        process.terminate()

    made = course(40, STOCK)
    note("stock nbgrader", made, 40, 1, made.nbgrader, "autograde", NAME, word="ipykernel_launcher")
    stock = rows[-1]["per_minute"]
    ratio = lambda row: {"ratio_to_stock": round(row["per_minute"] / stock, 1)}
    write("grading", [row | ratio(row) for row in rows])
    write("grading_memory", memory)


if __name__ == "__main__":
    main()
