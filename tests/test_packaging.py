import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from course_lib.hidden import unseen

ROOT = Path(__file__).resolve().parents[1]
LECTURES = sorted(ROOT.glob("lectures/*.ipynb"))
SOLUTIONS, RELEASES = sorted(ROOT.glob("solutions/ex*/*.ipynb")), sorted(ROOT.glob("exercises/ex*/*.ipynb"))
label = lambda path: path.stem


def test_a_wheel_holds_data_and_weights(tmp_path):
    source = tmp_path / "source"                         # a copy: an old build/ would hide what is missing now
    shutil.copytree(ROOT / "course_lib", source / "course_lib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path, source],
                   check=True, capture_output=True)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    shipped = [*(ROOT / "course_lib" / "data").glob("*.*"), *(ROOT / "course_lib" / "weights").glob("*.safetensors")]
    assert len(shipped) > 5 and {f"course_lib/{path.parent.name}/{path.name}" for path in shipped} <= set(names)
    assert {str(path.relative_to(ROOT)) for path in ROOT.glob("course_lib/**/*.py") if not unseen(path)} <= set(names)
    assert not [name for name in names if unseen(name) or name.split("/")[0] in ("tests", "solutions", "benchmarks", "build")]


@pytest.mark.parametrize("path", LECTURES + SOLUTIONS + RELEASES, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_notebooks_have_the_form_of_the_course(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5) and notebook.metadata.kernelspec.name == "python3"
    exercise = {"course"} if path.name.startswith("ex") else set()          # what it asks for, for the grader
    assert set(notebook.metadata) == {"kernelspec", "language_info"} | exercise
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-z0-9_-]+", i) and not re.fullmatch(r"[0-9a-f]{8}", i) for i in ids)
    assert all(set(cell.metadata) <= {"nbgrader", "tags", "deletable", "editable"} for cell in notebook.cells)
    assert path.stat().st_size < 2_000_000


@pytest.mark.parametrize("path", LECTURES, ids=label)
def test_lectures_are_stored_executed_in_order(path):
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [o for cell in code for o in cell.outputs if o.output_type == "error"]
    assert not [cell.id for cell in code if "nbval-skip" in cell.metadata.get("tags", [])]     # no lecture leaves a cell untested
    pictures = [o for cell in code for o in cell.outputs if "image/png" in o.get("data", {})]
    assert pictures and all(o.metadata["image/png"]["alt"] for o in pictures)


@pytest.mark.parametrize("path", SOLUTIONS, ids=label)
def test_solutions_hold_no_outputs(path):
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)


def test_no_file_of_the_course_looks_outside_of_it():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    texts = [ROOT / name for name in files if name.endswith((".py", ".ipynb", ".md", ".yml", ".toml", "Makefile"))]
    assert not [path for path in texts if path != Path(__file__) and "../shared" in path.read_text()]
