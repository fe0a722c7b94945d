"""Whatever ends while a notebook is graded: its row says so, and the next one is graded."""
import random
import threading
import time

import psutil
import pytest

from course_lib.grading.cells import Cell
from course_lib.grading.engine import Engine, Settings
from course_lib.grading.orders import Limits

pytestmark = pytest.mark.loop
LIMITS = Limits(memory=512 << 20, total=60, cell=20)
HONEST = [Cell("answer", "def double(x): return 2 * x", names=("double",)),
          *[Cell("test", f"assert double({i}) == {2 * i}", f"test_{i}") for i in range(20)],
          Cell("answer", "x = 3", names=("x",)), Cell("test", "assert x == 3", "test_x")]
PATIENCE = 60                                   # seconds, for what takes one or two


@pytest.fixture(scope="module")
def engine():
    with Engine(Settings(LIMITS)) as engine:
        yield engine


def errors(engine: Engine, cells: list[Cell]) -> list[str]:
    return [output["ename"] for outputs in engine.grade(cells) for output in outputs
            if output["output_type"] == "error"]


@pytest.mark.parametrize("source,why", [
    ("os.kill(os.getpid(), signal.SIGKILL)", "Killed"), ("os._exit(0)", "exit code 0"),
    ("os._exit(3)", "exit code 3"), ("ctypes.string_at(0)", "Segmentation fault"),
    ("os.abort()", "Aborted"),
    ("resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass", "CPU time limit"),
    ("os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)", "ended before it gave a grade"),
    ("os.closerange(3, 100)", "it|Bad file")])
def test_a_checker_that_ends_says_how(engine, source, why):
    test = Cell("test", f"import ctypes, os, resource, signal, time\n{source}", "test_x")
    with pytest.raises(RuntimeError, match=why):
        engine.grade([test])
    assert errors(engine, HONEST) == []


@pytest.mark.parametrize("source", [
    "bytearray(1 << 40)", "y = []\nwhile True: y.append(bytearray(1 << 20))", "raise SystemExit",
    "raise KeyboardInterrupt", "import torch\ntorch.zeros(1 << 40)",
    "f = lambda: f()\nf()", "import json\njson.loads('[' * 10 ** 6)"])
def test_a_test_that_fails_oddly_is_a_test_that_fails(engine, source):
    assert len(errors(engine, [Cell("test", source, "test_x"), *HONEST])) == 1


def test_a_checker_that_hangs_is_ended():
    hangs = Cell("test", "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [14])\n"
                         "while True: signal.pause()", "test_x")
    with Engine(Settings(Limits(total=-60, cell=1))) as engine:
        with pytest.raises(RuntimeError, match="Killed"):
            engine.grade([hangs])


def processes(engine: Engine) -> dict[str, list[psutil.Process]]:
    """What runs for an engine, by what it is."""
    kernels, checkers = (psutil.Process(server.pid) for server, _ in engine.servers)
    waiting = checkers.children()
    judging = [child for parent in waiting for child in parent.children()]
    bubblewraps = [child for parent in judging for child in parent.children()]
    return {"kernels": [kernels], "checkers": [checkers], "waiting": waiting, "judging": judging,
            "bubblewraps": bubblewraps, "kernel": kernels.children(recursive=True)}


@pytest.mark.parametrize("what", ["kernels", "checkers", "waiting", "judging", "bubblewraps",
                                  "kernel"])
def test_whatever_is_killed_the_next_notebook_is_graded(engine, what):
    rng, found = random.Random(what), []

    def grade():
        try:
            found.append(errors(engine, HONEST))
        except RuntimeError as error:
            found.append(str(error))

    grading = threading.Thread(target=grade)
    grading.start()
    time.sleep(rng.uniform(0, 1))
    while grading.is_alive():
        try:
            victims = processes(engine)[what]
            for victim in victims:
                victim.kill()
            if victims:
                break
        except psutil.NoSuchProcess:
            pass
    grading.join(PATIENCE)
    assert not grading.is_alive(), "it hangs"
    if what in ("kernels", "checkers"):
        assert found == [[]], "it is graded once more"
    assert errors(engine, HONEST) == []
    deadline = time.monotonic() + PATIENCE
    while any(psutil.Process(server.pid).children() for server, _ in engine.servers):
        assert time.monotonic() < deadline, "something stays"
        time.sleep(0.05)
