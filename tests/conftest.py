"""What tests share: `need`, for tests that want a program which not everybody has; a folder for
courses that are released once a session; which unit a test belongs to; and, for
scripts/check.py, notes of the tests left out and of the seconds that each one took."""
import json
import os
import re
import shutil
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTES = ROOT / ".left-out"
APART = ("tests/test_nbgrader_loop.py", "tests/test_answers.py")
DEAREST = [                                            # first, for what begins last must be short
    *(f"tests/test_{name}.py" for name in (
        "attacks", "honest", "crash", "browser", "new_unit", "nbgrader_loop")),
    *(f"lectures/{path.name}" for path in sorted((ROOT / "lectures").glob("*.ipynb"))),
    *(f"tests/test_{name}.py" for name in (
        "beside", "late", "exchange", "changes", "variants", "markers", "absent", "sandbox",
        "release", "collect", "answers", "mutants", "accelerate", "bundle", "grading"))]
HOW = {"chromium": "Chromium (on Debian: apt-get install chromium)"}


@cache
def asked_for() -> dict[str, str]:
    """Module -> the unit whose exercise asks for it, as its notebook says: ddim -> ex07."""
    found = {}
    for path in sorted(ROOT.glob("solutions/ex*/ex*.ipynb")):
        modules = json.loads(path.read_text(encoding="utf-8"))["metadata"]["course"]["asks_for"]
        found |= {module.rpartition(".")[2]: path.stem.split("_")[0] for module in modules}
    return found


def unit(test: str) -> str:
    """The unit of a test, by its id: what names exNN or the lecture NN_*, and the file
    test_MODULE.py of a module that an exercise asks for; or "" where it belongs to all."""
    exercise = re.search(r"(?<![a-z])ex\d\d(?!\d)", test)
    lecture = re.search(r"[/[](\d\d)[a-z]?_[a-z]", test)
    module = re.match(r"tests/test_(\w+)\.py", test)
    if exercise:
        return exercise[0]
    if lecture:
        return f"ex{lecture[1]}" if lecture[1] != "00" else ""
    return asked_for().get(module[1], "") if module else ""


def pytest_addoption(parser):
    parser.addoption("--unit", help="only the tests of this unit, such as ex06")


def pytest_collection_modifyitems(config, items):
    file = lambda item: item.nodeid.split("::")[0]
    tests = Counter(map(file, items))
    rank = lambda name: DEAREST.index(name) if name in DEAREST else len(DEAREST)
    items.sort(key=lambda item: (rank(file(item)), -tests[file(item)]))
    only = config.getoption("--unit")
    if only:
        config.hook.pytest_deselected(items=[item for item in items if unit(item.nodeid) != only])
        items[:] = [item for item in items if unit(item.nodeid) == only]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """One worker runs a file as a whole; of the files in APART, what belongs to one unit."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.split("::")[0]
            return file + unit(nodeid) if file in APART else file
    config.option.loadscopereorder = False             # pytest_collection_modifyitems did it
    return ByFile(config, log)


@pytest.fixture(scope="session")
def need():
    """need("chromium") gives the program's path, or leaves the test out and says what it needs."""
    def find(program: str) -> str:
        path = shutil.which(program)
        if path is None:
            pytest.skip(f"needs {HOW[program]}")
        return path
    return find


@pytest.fixture(scope="session")
def thorough(request) -> bool:
    """Whether the slow tests run, too: then others may repeat themselves."""
    return "not slow" not in request.config.option.markexpr


@pytest.fixture(scope="session", autouse=True)
def releases(tmp_path_factory):
    """A folder for courses that the first of this session's processes to want one releases."""
    import course
    base = tmp_path_factory.getbasetemp()
    course.RELEASES = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "releases"
    course.RELEASES.mkdir(exist_ok=True)


def note(file: str, line: str) -> None:
    NOTES.mkdir(exist_ok=True)
    with open(NOTES / file, "a", encoding="utf-8") as notes:
        notes.write(line + "\n")


def pytest_collectreport(report):
    if report.skipped:                                 # a whole file that leaves itself out
        left_out(report)


def left_out(report) -> None:
    why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    note(f"{os.getpid()}.txt", f"  {report.nodeid}: {why.removeprefix('Skipped: ')}")


def pytest_runtest_logreport(report):
    if report.skipped:
        left_out(report)
    if "PYTEST_SECONDS" in os.environ and "PYTEST_XDIST_WORKER" not in os.environ:
        test, lecture = report.nodeid, report.nodeid.startswith("lectures/")
        part = "loop" if "loop" in report.keywords else "lecture" if lecture else "facts"
        whose = "" if "shared" in report.keywords else unit(test)
        line = {"test": test, "unit": whose, "part": part, "seconds": report.duration}
        note(os.environ["PYTEST_SECONDS"], json.dumps(line))
