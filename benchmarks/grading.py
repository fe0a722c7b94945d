"""Grading: submissions a minute against nbgrader's stock autograde, on the same submissions in one run, and how it grows.

grading.csv          how, submissions, jobs, seconds from command to table, submissions a minute, ratio to stock
grading_memory.csv   what one more kernel costs: private memory of a kernel at its peak, MB
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

NAME = "ex01_minimax"
STOCK = """
del c.Autograde.exporter_class, c.Autograde.autograde_preprocessors
c.ExecutePreprocessor.timeout = 120
"""


def course(n: int, settings: str = "", pictures: bool = False) -> Course:
    """A course with n submissions: by turns a solution, wrong and right answers, and a blank one."""
    made = Course(Path(tempfile.mkdtemp(prefix="bench-")), NAME, settings)
    if pictures:
        path = made.folder / "exercises" / NAME / f"{NAME}.ipynb"
        path.write_text(path.read_text().replace('"picture"', '"drawn"'))
    blank, answers = made.blank(), ROOT / "tests" / "answers" / "ex01"
    kinds = [made.master(), *(with_answers(blank, "wrong", k, answers) for k in range(7)),
             *(with_answers(blank, "right", k, answers) for k in range(2))]
    for i, notebook in zip(range(n), itertools.cycle(kinds)):
        made.submit(f"student{i:03d}", notebook)
    return made


class Memory(threading.Thread):
    """Watches processes whose command line holds `word`, and keeps the most private memory that one had, in MB."""

    def __init__(self, word: str):
        super().__init__(daemon=True)
        self.word, self.most, self.done = word, 0.0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.2):
            for process in psutil.process_iter(["cmdline", "ppid"]):
                if self.word in " ".join(process.info["cmdline"] or []):
                    try:
                        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
                    except OSError:
                        continue
                    private = sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private"))
                    shared = len(psutil.Process(process.pid).children()) if psutil.pid_exists(process.pid) else 0
                    if not shared or self.word != "forkserver kernel":
                        self.most = max(self.most, private / 1024)


def timed(what, *args) -> float:
    start = time.monotonic()
    what(*args)
    return time.monotonic() - start


def main() -> None:
    rows, memory = [], []

    def note(how: str, n: int, jobs: int, seconds: float) -> None:
        stock = next((row["per_minute"] for row in rows if row["how"] == "stock nbgrader"), None)
        rows.append({"how": how, "submissions": n, "jobs": jobs, "seconds": round(seconds, 1), "per_minute": round(60 * n / seconds, 1)})
        rows[-1]["ratio_to_stock"] = round(rows[-1]["per_minute"] / (stock or rows[-1]["per_minute"]), 2)
        print(rows[-1], flush=True)
        write("grading", rows)

    def measured(how: str, n: int, jobs: int, word: str, made: Course, what, *args) -> None:
        watch = Memory(word)
        watch.start()
        note(how, n, jobs, timed(what, *args))
        watch.done.set()
        memory.append({"how": how, "private_mb": round(watch.most)})
        write("grading_memory", memory)
        shutil.rmtree(made.folder)

    made = course(40, STOCK)
    measured("stock nbgrader", 40, 1, "ipykernel_launcher", made, made.nbgrader, "autograde", NAME)
    made = course(40)
    measured("sandbox", 40, 2, "forkserver kernel", made, made.grade, "--jobs", "2")
    for how, n, jobs in (("sandbox, pictures drawn", 40, 2), ("sandbox", 40, 1), ("sandbox", 10, 2), ("sandbox", 160, 2)):
        made = course(n, pictures="pictures" in how)
        note(how, n, jobs, timed(made.grade, "--jobs", str(jobs)))
        shutil.rmtree(made.folder)
    made = course(40)
    note("sandbox, by `nbgrader autograde`", 40, 1, timed(made.nbgrader, "autograde", NAME))
    shutil.rmtree(made.folder)

    made = course(40)
    dask = lambda what, *options: subprocess.Popen([sys.executable, "-m", "dask", what, *options, "--no-dashboard"],
                                                   stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
    scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", "18786")
    workers = [dask("worker", "tcp://127.0.0.1:18786", "--nthreads", "1") for _ in range(2)]
    try:
        note("sandbox, two dask workers", 40, 2, timed(made.grade, "--scheduler", "tcp://127.0.0.1:18786"))
    finally:
        for process in [*workers, scheduler]:
            process.terminate()
        shutil.rmtree(made.folder)


if __name__ == "__main__":
    main()
