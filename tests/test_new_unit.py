"""A unit is files and no list: a toy unit is added to a copy of the course, and the course's own
tests, unchanged, find it and pass. And what lies in the room that students never see stays in
there, also under names that nobody has thought of."""
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.grading.machine import bubblewrap
from course_lib.grading.orders import NoSandbox

ROOT = Path(__file__).resolve().parents[1]
CANARY = "canary_of_the_hidden_room"
DOT = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBg"
       "AAAABQABh6FO1AAAAABJRU5ErkJggg==")
WRONG = {"same": ("forgets the factor two of the question", "x"),
         "shifted": ("adds two where it should double", "x + 2"),
         "square": ("squares where it should double", "x ** 2"),
         "triple": ("takes three times what is asked for", "3 * x"),
         "positive": ("doubles the absolute value of x", "2 * x.abs()"),
         "negative": ("doubles with the wrong sign", "-2 * x")}
RIGHT = {"sum": ("the sum of x and itself, as in the solution", "x + x"),
         "product": ("two times x, as one product", "2 * x")}
CHECKS = '''"""The facts of the toy exercise."""
import torch

from course_lib.checks import call, expect_close


def check_doubled(answer, seed):
    x = torch.randn(5, generator=torch.Generator().manual_seed(seed))
    expect_close("half of doubled(x)", call(answer, x) / 2, x, "What is half of what you return?")
'''
MODEL = '"""What the toy exercise asks for."""\n\n\ndef doubled(x):\n    return x + x\n'
HEADER = """# Exercise 99: a toy

| question | | points | minutes |
| --- | --- | --- | --- |
| 1 | twice a number ★ | 2 | 5 |

**2 points, five minutes.**"""
QUESTION = """## 1. Twice a number ★
*2 points, 5 minutes, core path*

**Write** `doubled(x)`, which is $2x$ for every $x$."""
HINT = "<details><summary>Hint</summary>\n\nThink again.\n\n</details>"
TEST = """x = torch.tensor([1.0, -2.0, 3.0])
got = doubled(x)
assert got is not None, "doubled returned nothing: is a return missing?"
assert got.tolist() == [2, -4, 6], f"expected [2, -4, 6], got {got.tolist()}"
### BEGIN HIDDEN TESTS
from course_lib.hidden.ex99 import checks as ex99

for seed in (1, 2):
    ex99.check_doubled(doubled, seed)
### END HIDDEN TESTS"""
SOLUTION = '''def doubled(x):
    """Twice x."""
    ### BEGIN SOLUTION
    twice_what_came_in = x + x
    return twice_what_came_in
    ### END SOLUTION'''
PICTURE = ("from IPython.display import display\n"
           f"display({{'image/png': '{DOT}'}}, raw=True,\n"
           "        metadata={'image/png': {'alt': 'one dot'}})")
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
METADATA = {"kernelspec": KERNEL, "language_info": {"name": "python"}}


def about(grade_id: str, points: int = 0, **what: bool) -> dict:
    marks = dict.fromkeys(("task", "grade", "solution", "locked"), False) | what
    marks |= {"grade_id": grade_id, "schema_version": 3} | ({"points": points} if points else {})
    return {"nbgrader": marks}


def notebook(path: Path, cells: list, **metadata) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = nbformat.v4.new_notebook(cells=cells, metadata=METADATA | metadata)
    for i, cell in enumerate(made.cells):
        cell.id = f"toy-{i}"
    nbformat.write(made, path)


def add_toy(course: Path) -> None:
    """The files of one unit, and nothing else."""
    hidden, room = course / "course_lib" / "hidden" / "ex99", course / "course_lib" / "toy"
    files = {hidden / "__init__.py": "", hidden / "checks.py": CHECKS,
             room / "__init__.py": "", room / "doubles.py": MODEL}
    for kind, answers in (("wrong", WRONG), ("right", RIGHT)):
        for i, (name, (what, value)) in enumerate(answers.items(), 1):
            path = hidden / "answers" / "doubled" / f"{kind}_{i}_{name}.py"
            files[path] = f"# {what}\ndef doubled(x):\n    return {value}\n"
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    lecture = [new_markdown_cell("# A toy"), new_code_cell(PICTURE)]
    notebook(course / "lectures" / "99_toy.ipynb", lecture)
    notebook(course / "solutions" / "ex99_toy" / "ex99_toy.ipynb", [
        new_markdown_cell(HEADER),
        new_code_cell("import torch", metadata=about("setup", locked=True)),
        new_markdown_cell(QUESTION), new_markdown_cell("\n\n".join([HINT] * 3)),
        new_code_cell(SOLUTION, metadata=about("doubled", solution=True)),
        new_code_cell(TEST, metadata=about("test_doubled", 2, grade=True, locked=True)),
    ], course={"asks_for": ["course_lib.toy"]})


def add_canaries(course: Path) -> None:
    """Files with new names in the room that students never see."""
    room = course / "course_lib" / "hidden"
    for name in ("ex99/more_facts/secret.py", "whatever.txt", "ex98.py", "notes/plan.ipynb"):
        (room / name).parent.mkdir(exist_ok=True)
        (room / name).write_text(f"# {CANARY}\n")


class Copy:
    """The course with a toy unit, released, and what its own tests said and left."""

    def __init__(self, folder: Path):
        self.course, self.left = folder / "course", folder / "left"
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        found = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True)
        for name in found.stdout.splitlines():
            if (ROOT / name).is_file():
                (self.course / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.course / name)
        add_toy(self.course)
        add_canaries(self.course)
        subprocess.run("git init -q && git add -A", shell=True, cwd=self.course, check=True)
        self.run("scripts/execute.py", "lectures/99_toy.ipynb")
        self.run("-m", "nbgrader", "generate_assignment", "ex99_toy", "--force")
        names = ("nbgrader_loop", "answers", "packaging", "bundle", "rooms")
        chosen = "ex99 or ((packaging or bundle or rooms) and not ex0 and not ex1)"
        self.said = self.run("-m", "pytest", *(f"tests/test_{name}.py" for name in names),
                             "-q", "-rA", "-k", chosen, "-m", "not slow", "-p", "no:cacheprovider",
                             f"--basetemp={self.left}")

    def run(self, *command: str) -> str:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"     # has alembic
        theirs = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        theirs |= {"PYTHONPATH": str(self.course), "OMP_NUM_THREADS": "1", "PATH": path}
        done = subprocess.run([sys.executable, *command], cwd=self.course, env=theirs, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-6000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    try:
        bubblewrap()
    except NoSandbox as why:
        pytest.skip(str(why))
    return Copy(tmp_path_factory.mktemp("new"))


@pytest.mark.loop
def test_a_toy_unit_is_found_and_passes(copy):
    passed = [line for line in copy.said.splitlines() if line.startswith("PASSED ")]
    loop = [line for line in passed if "test_nbgrader_loop.py" in line and "ex99_toy" in line]
    answers = [line for line in passed if "test_answers.py::test_answers[ex99-doubled-" in line]
    assert len(loop) >= 7 and len(answers) == len(WRONG) + len(RIGHT), copy.said[-3000:]
    assert any("99_toy" in line and "test_lectures_are_stored" in line for line in passed)
    assert any("test_an_exercise_starts_with_what_is_in_it[ex99_toy]" in line for line in passed)
    assert not [line for line in copy.said.splitlines() if line.startswith("SKIPPED")]


@pytest.mark.loop
def test_what_lies_in_the_hidden_room_stays_there(copy, tmp_path):
    toolbox, wheel = tmp_path / "toolbox", tmp_path / "wheel"
    bundle = copy.left / "bundle0" / "student"
    copy.run("-c", "from pathlib import Path\n"
                   "from course_lib.grading.sandbox import toolbox_without\n"
                   f"toolbox_without(('course_lib.toy',), Path({str(toolbox)!r}))")
    zipfile.ZipFile(next(copy.left.glob("*/*.whl"))).extractall(wheel)
    released = [copy.course / "exercises", copy.left / "course0" / "exercises"]
    for place in (toolbox, wheel, bundle, copy.left / "course0" / "feedback", *released):
        files = [path for path in place.rglob("*") if path.is_file() and ".git" not in path.parts]
        assert files and not [path for path in files if CANARY.encode() in path.read_bytes()]
        inner = [path.relative_to(place).as_posix() for path in files]
        new = re.compile(r"hidden/|whatever\.txt|more_facts|ex98|plan\.ipynb")
        assert not [name for name in inner if new.search(name)]
    assert not (toolbox / "toy").exists() and (wheel / "course_lib" / "toy").exists()
    log = ["git", "log", "-p", "--all", "--text"]
    history = subprocess.run(log, cwd=bundle, check=True, capture_output=True).stdout
    assert history and CANARY.encode() not in history
