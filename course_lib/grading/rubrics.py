"""For whoever marks: below each written answer the master's, with its rubric."""
import re
from pathlib import Path

import nbformat

from course_lib.grading.cells import marks, role

RUBRIC = "rubric-"                              # ids of these cells
INTRODUCTION = "**For the marker; students do not see this.**"


def add(notebook, master: Path) -> None:
    if not master.exists():
        return
    rubrics = {}
    for cell in nbformat.read(master, as_version=4).cells:
        if role(cell) == "answer" and marks(cell).get("grade"):
            text = re.sub(r"### (BEGIN|END) SOLUTION\n?", "", cell.source)
            rubrics[marks(cell)["grade_id"]] = f"{INTRODUCTION}\n\n{text}"
    order = []
    for cell in notebook.cells:
        order.append(cell)
        if role(cell) == "answer" and (text := rubrics.get(marks(cell).get("grade_id"))):
            order.append(nbformat.v4.new_markdown_cell(text, id=f"{RUBRIC}{len(order)}"))
    notebook.cells = order


def remove(notebook) -> None:
    notebook.cells = [c for c in notebook.cells if not c.get("id", "").startswith(RUBRIC)]
