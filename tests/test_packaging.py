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
SOLUTIONS = sorted(ROOT.glob("solutions/ex*/*.ipynb"))
RELEASES = sorted(ROOT.glob("exercises/ex*/*.ipynb"))
by_lecture = pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
by_solution = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
by_notebook = pytest.mark.parametrize("path", LECTURES + SOLUTIONS + RELEASES,
                                      ids=lambda path: f"{path.parent.parent.name}/{path.stem}")


def test_a_wheel_holds_data_and_weights(tmp_path):
    source = tmp_path / "source"  # a copy: an old build/ would hide what is missing now
    caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "course_lib", source / "course_lib", ignore=caches)
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path, source]
    subprocess.run([sys.executable, "-m", *build], check=True, capture_output=True)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    library = ROOT / "course_lib"
    shipped = [*library.glob("data/*.*"), *library.glob("weights/*.safetensors")]
    modules = [path for path in library.glob("**/*.py") if not unseen(path)]
    assert len(shipped) > 5
    assert {path.relative_to(ROOT).as_posix() for path in shipped + modules} <= set(names)
    elsewhere = ("tests", "solutions", "benchmarks", "build")
    assert not [name for name in names if unseen(name) or name.split("/")[0] in elsewhere]


@by_notebook
def test_notebooks_have_the_form_of_the_course(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    exercise = {"course"} if path.name.startswith("ex") else set()     # what it asks for
    assert set(notebook.metadata) == {"kernelspec", "language_info"} | exercise
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-z0-9_-]+", i) for i in ids)
    assert not [i for i in ids if re.fullmatch(r"[0-9a-f]{8}", i)], "an id that an editor made up"
    known = {"nbgrader", "tags", "deletable", "editable", "jupyter"}
    assert all(set(cell.metadata) <= known for cell in notebook.cells)
    folded = [cell.metadata["jupyter"] for cell in notebook.cells if "jupyter" in cell.metadata]
    assert all(how == {"source_hidden": True} for how in folded)
    assert path.stat().st_size < 2_000_000


@by_lecture
def test_links_in_lectures_lead_somewhere(path):
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\((?!https?:|#|attachment:)([^)#\s]+)", text)
    assert not [link for link in links if not (path.parent / link).exists()]


@by_lecture
def test_lectures_are_stored_executed_in_order(path):
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [o for cell in code for o in cell.outputs if o.output_type == "error"]
    skipped = [cell.id for cell in code if "nbval-skip" in cell.metadata.get("tags", [])]
    assert not skipped, "no lecture leaves a cell untested"
    pictures = [o for cell in code for o in cell.outputs if "image/png" in o.get("data", {})]
    assert pictures and all(o.metadata["image/png"]["alt"] for o in pictures)


@by_solution
def test_solutions_hold_no_outputs(path):
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)


def test_no_file_of_the_course_looks_outside_of_it():
    listed = ["git", "ls-files"]
    tracked = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    kinds = (".py", ".ipynb", ".md", ".yml", ".toml", "Makefile")
    texts = [ROOT / name for name in tracked.split() if name.endswith(kinds)]
    texts = [path for path in texts if path != Path(__file__) and path.exists()]
    assert not [path for path in texts if "../shared" in path.read_text()]
