"""A small exercise of a few cells, released in a course of its own."""
from pathlib import Path

import nbformat
from course import Course
from exercise import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


def marked(source: str, grade_id: str, points: int | None = None, solution: bool = False,
           kind: str = "code"):
    """A cell of nbgrader's: locked where it is no solution, graded where it has points."""
    marks = {"grade": points is not None, "grade_id": grade_id, "locked": not solution,
             "schema_version": 3, "solution": solution, "task": False}
    marks |= {} if points is None else {"points": points}
    make = {"code": new_code_cell, "markdown": new_markdown_cell}[kind]
    return make(source, metadata={"nbgrader": marks})


def released(folder: Path, name: str, cells: list, **about) -> Course:
    """about: what stands in the notebook's metadata of the course."""
    (folder / "solutions" / name).mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
    notebook = new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "p", "language": "python"}
    notebook.metadata["course"] = about
    nbformat.write(notebook, folder / "solutions" / name / f"{name}.ipynb")
    course = Course.there(folder, name)
    course.nbgrader("generate_assignment", name)
    return course
