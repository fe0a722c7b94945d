"""Two dask workers grade as one machine does, also when one of them dies in the middle."""
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest
from course import Course, with_answers

from course_lib.hidden import answers

NAME = "ex01_minimax"


def start(what: str, *options: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "dask", what, *options, "--no-dashboard"], env=os.environ | {"OMP_NUM_THREADS": "1"},
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def kill(process: subprocess.Popen) -> None:
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        member.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, 10)


@pytest.mark.loop
def test_a_cluster_grades_and_a_worker_that_dies_loses_nothing(tmp_path):
    course = Course(tmp_path, NAME)
    for k in range(6):
        course.submit(f"student{k}", with_answers(course.blank(), "wrong" if k % 2 else "right", k, answers(NAME)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", str(port))
    workers = [start("worker", f"tcp://127.0.0.1:{port}", "--nthreads", "1", "--no-nanny") for _ in range(2)]

    def kill_one_in_the_middle() -> None:
        while not list(tmp_path.glob(".grading/results/*/*.json")):
            time.sleep(0.05)
        kill(workers[0])

    try:
        threading.Thread(target=kill_one_in_the_middle, daemon=True).start()
        said = course.grade("--scheduler", f"tcp://127.0.0.1:{port}")
    finally:
        dead = workers[0].poll() is not None
        for process in [*workers[dead:], scheduler]:
            kill(process)
    spread = course.scores()
    assert dead and len(spread) == 6 and "failed" not in said, said
    course.grade("--jobs", "2", "--force")
    assert course.scores() == spread
