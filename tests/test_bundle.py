"""What students get works by itself, and holds no solution, hidden test, check of an exercise, or answer."""
import os
import re
import subprocess
import sys

import pytest
from exercise import ROOT, cells, nbgrader

from course_lib.hidden import ROOM

GIVEN = {'"sum(pi*p*log(D) + (1-pi)*g*log(1-D))",'}      # the game itself, which the checker of proofs starts from
EXERCISES = sorted(path.name for path in (ROOT / "solutions").glob("ex*"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "student"
    for _ in range(2):
        subprocess.run([sys.executable, ROOT / "scripts" / "bundle.py", folder], check=True, capture_output=True)
    return folder


def secrets() -> list[str]:
    """Lines that stand in solutions and hidden tests, and in no release."""
    found = set()
    for name in EXERCISES:
        public = (ROOT / "exercises" / name / f"{name}.ipynb").read_text()
        for cell in cells(name):
            for region in re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)(.*?)### END", cell.source, re.DOTALL):
                found |= {line.strip() for line in region.splitlines() if len(line.strip()) > 30 and line.strip() not in public}
    return sorted(found - GIVEN)


def test_nothing_secret_is_in_it_or_in_its_history(bundle):
    log = subprocess.run(["git", "-C", bundle, "log", "-p", "--all", "--text"], check=True, capture_output=True)
    everything = log.stdout.decode(errors="replace")
    assert len(secrets()) > 20
    assert not [line for line in secrets() if line in everything]
    names = subprocess.run(["git", "-C", bundle, "ls-files"], check=True, capture_output=True, text=True).stdout.split()
    assert not [n for n in names if re.search(r"solutions|/answers/|wrong_|right_|course_lib/hidden|course_lib/grading|gradebook", n)]
    assert "HIDDEN TESTS" not in everything and "BEGIN SOLUTION" not in everything
    for path in ROOM.glob("*/answers/*/*.py"):
        assert path.read_text().split("\n", 1)[0] not in everything, path


def test_running_it_again_adds_nothing_where_nothing_changed(bundle):
    log = subprocess.run(["git", "-C", bundle, "log", "--oneline"], check=True, capture_output=True, text=True).stdout
    assert len(log.splitlines()) == 1 and not subprocess.run(["git", "-C", bundle, "status", "--short"], capture_output=True).stdout


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_starts_with_what_is_in_it(bundle, name):
    code = "\n".join(c.source for c in cells(name) if c.cell_type == "code" and nbgrader(c)["locked"] and not nbgrader(c)["grade"])
    theirs = f"""
import sys
sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]
sys.path.insert(0, {str(bundle)!r})
{code}
import course_lib
assert course_lib.__file__.startswith({str(bundle)!r})"""
    done = subprocess.run([sys.executable, "-c", theirs], capture_output=True, text=True, env=os.environ | {"MPLBACKEND": "agg"}, cwd=bundle)
    assert done.returncode == 0, done.stderr[-1500:]


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    done = subprocess.run([sys.executable, ROOT / "scripts" / "bundle.py", tmp_path], capture_output=True, text=True)
    assert done.returncode and "no git history" in done.stderr and (tmp_path / "mine.txt").read_text() == "precious"
