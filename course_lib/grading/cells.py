"""What a cell of a notebook is to the grader: its part in the exercise, and what of it runs."""
import ast
import json
import re
import symtable
from collections.abc import Sequence
from typing import NamedTuple

EXTRA = "extra-"                                # ids of a student's own cells in a rebuilt notebook
FILES = "%%files-beside "                        # begins what is sent to a kernel as files, in JSON
NOT_RUN = "NotRun"                              # of a test that needs a cell which did not run


class Cell(NamedTuple):
    """A code cell as the checker runs it. role: as `role` says, or "picture", which is not drawn,
    or "files", which holds what lies beside the notebook.
    grade_id and points: of a test, its name and the most that it gives. names: of an answer, those
    that a student defines there, as the release says."""

    role: str
    source: str
    grade_id: str = ""
    points: float = 0
    names: Sequence[str] = ()


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
    """The code cells of a rebuilt notebook, after its files. Pictures, which show a student that an
    answer is right, are not drawn: an instructor's cell with the tag "picture" does not run, unless
    a student's own cell uses what it defines."""
    cells, about = [], notebook.metadata.get("course", {})
    names, files = about.get("answers", {}), about.get("files")
    if files:
        cells.append(Cell("files", FILES + json.dumps(files)))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            picture = role(cell) == "given" and "picture" in cell.metadata.get("tags", [])
            name, points = marks(cell).get("grade_id", ""), marks(cell).get("points", 0)
            kind = "picture" if picture else role(cell)
            theirs = tuple(names.get(name, ())) if kind == "answer" else ()
            cells.append(Cell(kind, cell.source, name, points, theirs))
    return cells


def python(source: str) -> str:
    """A cell's source without its magics, which are lines that start with % or !."""
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)
    return source


class Scopes(ast.NodeTransformer):
    """Turns what is comprehended into generators: from Python 3.12 on, symbol tables take the names
    in a list for those of the cell around it. Formatted text stays as what it formats, since not
    each can be written again."""

    def visit_ListComp(self, node):
        self.generic_visit(node)
        made = node.elt if hasattr(node, "elt") else ast.Tuple([node.key, node.value], ast.Load())
        return ast.GeneratorExp(made, node.generators)

    def visit_JoinedStr(self, node):
        self.generic_visit(node)
        parts = node.values if isinstance(node, ast.JoinedStr) else [node.value, node.format_spec]
        return ast.Tuple([part for part in parts if part], ast.Load())

    visit_SetComp = visit_DictComp = visit_ListComp
    visit_FormattedValue = visit_JoinedStr


def names_in(source: str) -> tuple[set[str], set[str]]:
    """The global names that a cell reads, and those that it binds."""
    try:
        plain = ast.unparse(Scopes().visit(ast.parse(python(source))))
        table = symtable.symtable(plain, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(), set()
    read, bound, scopes = set(), set(), [table]
    for scope in scopes:
        for name in scope.get_symbols():
            if name.is_referenced() and (scope is table or name.is_global()):
                read.add(name.get_name())
            binds = name.is_assigned() or name.is_imported()
            if binds and (scope is table or name.is_declared_global()):
                bound.add(name.get_name())
        scopes += scope.get_children()
    return read, bound


class Reads:
    """What cells read from those before them, as far as these were `seen`."""

    def __init__(self):
        self.stands_on: dict[str, set[str]] = {}        # a name: what the cell that binds it reads

    def seen(self, source: str) -> None:
        read, bound = names_in(source)
        self.stands_on |= dict.fromkeys(bound, read - bound)

    def needs(self, source: str) -> set[str]:
        """The names that a cell reads from others, and these from others in turn."""
        read, bound = names_in(source)
        found, todo = set(), read - bound
        while todo:
            found |= todo
            todo = set().union(*(self.stands_on.get(name, ()) for name in todo)) - found - bound
        return found
