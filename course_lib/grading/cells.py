"""What a cell of a notebook is to the grader: its part in the exercise, and what of it runs."""
import ast
import re
from typing import NamedTuple

EXTRA = "extra-"                                # ids of a student's own cells in a rebuilt notebook


class Cell(NamedTuple):
    """A code cell as the checker runs it. role: as `role` says, or "picture", which is not drawn.
    grade_id and points: of a test, its name and the most that it gives."""

    role: str
    source: str
    grade_id: str = ""
    points: float = 0


def marks(cell) -> dict:
    """nbgrader's metadata of a release's cell."""
    return cell.metadata.get("nbgrader", {})


def role(cell) -> str:
    """"test", "answer", "locked", "given" (an instructor's cell that nbgrader does not know) or
    "extra" (a student's own)."""
    if marks(cell).get("solution"):
        return "answer"
    if marks(cell).get("grade"):
        return "test"
    if marks(cell).get("locked"):
        return "locked"
    return "extra" if cell.get("id", "").startswith(EXTRA) else "given"


def to_run(notebook) -> list[Cell]:
    """The code cells of a rebuilt notebook. Pictures, which show a student that an answer is right,
    are not drawn: an instructor's cell with the tag "picture" does not run, unless a student's own
    cell uses what it defines."""
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            picture = role(cell) == "given" and "picture" in cell.metadata.get("tags", [])
            name, points = marks(cell).get("grade_id", ""), marks(cell).get("points", 0)
            cells.append(Cell("picture" if picture else role(cell), cell.source, name, points))
    return cells


def python(source: str) -> str:
    """A cell's source without its magics, which are lines that start with % or !."""
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)
    return source
