"""What students get works by itself, and holds no solution, hidden test, check or answer."""
import os
import re
import subprocess
import sys

import pytest
from exercise import ROOT, cells, nbgrader
from warm import Warm

from course_lib.hidden import ROOM

GIVEN = {'"sum(pi*p*log(D) + (1-pi)*g*log(1-D))",'}     # the game itself, which proofs start from
NEVER = re.compile(r"solutions|/answers/|wrong_|right_|course_lib/(hidden|grading)|gradebook")
EXERCISES = sorted(path.name for path in (ROOT / "solutions").glob("ex*"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "student"
    for _ in range(2):
        assert make(folder).returncode == 0
    return folder


def make(folder) -> subprocess.CompletedProcess:
    command = [sys.executable, ROOT / "scripts" / "bundle.py", folder]
    return subprocess.run(command, capture_output=True, text=True)


def git(bundle, *command: str) -> bytes:
    return subprocess.run(["git", "-C", bundle, *command], check=True, capture_output=True).stdout


def secrets() -> list[str]:
    """Lines that stand in solutions and hidden tests, and in no release."""
    found = set()
    for name in EXERCISES:
        public = (ROOT / "exercises" / name / f"{name}.ipynb").read_text()
        for cell in cells(name):
            for region in REGION.findall(cell.source):
                found |= {line.strip() for line in region.splitlines()}
        found = {line for line in found if len(line) > 30 and line not in public}
    return sorted(found - GIVEN)


REGION = re.compile(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)(.*?)### END", re.DOTALL)


def test_nothing_secret_is_in_it_or_in_its_history(bundle):
    everything = git(bundle, "log", "-p", "--all", "--text")
    assert len(secrets()) > 20
    assert not [line for line in secrets() if line.encode() in everything]
    assert not [name for name in git(bundle, "ls-files").decode().split() if NEVER.search(name)]
    assert b"HIDDEN TESTS" not in everything and b"BEGIN SOLUTION" not in everything
    comments = b"\n".join(re.findall(rb"# [^\n]*", everything))      # each answer begins with one
    for path in ROOM.glob("*/answers/*/*.py"):
        assert path.read_bytes().split(b"\n", 1)[0] not in comments, path


def test_running_it_again_adds_nothing_where_nothing_changed(bundle):
    assert len(git(bundle, "log", "--oneline").splitlines()) == 1
    assert not git(bundle, "status", "--short")


def test_a_notebook_of_it_is_never_merged_by_lines_and_my_is_the_students(bundle):
    name = f"exercises/{EXERCISES[0]}/{EXERCISES[0]}.ipynb"
    assert git(bundle, "check-attr", "merge", name).endswith(b": merge: unset\n")
    assert git(bundle, "check-ignore", f"my/{EXERCISES[0]}/a.ipynb")
    assert b"my/" in git(bundle, "show", "HEAD:README.md")


@pytest.fixture(scope="module")
def torch_there():
    return Warm("torch", "matplotlib.pyplot")


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_starts_with_what_is_in_it(bundle, torch_there, name):
    locked = [c for c in cells(name) if c.cell_type == "code" and nbgrader(c)["locked"]]
    code = "\n".join(c.source for c in locked if not nbgrader(c)["grade"])
    theirs = f"""
import sys
sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]
sys.path.insert(0, {str(bundle)!r})
{code}
import course_lib
assert course_lib.__file__.startswith({str(bundle)!r})"""
    program = bundle.with_name(f"{name}.py")
    program.write_text(theirs)
    code, said = torch_there.run(str(program), cwd=bundle, env=os.environ | {"MPLBACKEND": "agg"})
    assert code == 0, said[-1500:]


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    done = make(tmp_path)
    assert done.returncode and "no git history" in done.stderr
    assert (tmp_path / "mine.txt").read_text() == "precious"
