"""What decides a grade, as a hash: what was graded with other code or tests is graded again."""
import ast
import hashlib
import json
from collections.abc import Collection, Iterable
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

from course_lib.grading.cells import marks, python, role, to_run
from course_lib.grading.sandbox import TOOLBOX
from course_lib.hidden import answers


def checks(exercise: str) -> str:
    """The module with the checks of an exercise, which may not have one."""
    return f"course_lib.hidden.{answers(exercise).parent.name}.checks"


@cache
def imports(source: str, package: str = "") -> frozenset[str]:
    """The dotted names of what a source imports, anywhere in it: modules, and what lies in them.
    What is no Python, such as a cell in bash, imports nothing."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return frozenset()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def files(names: Iterable[str], root: Path, hidden: Collection[Path] = ()) -> set[Path]:
    """The files of course_lib, in the folder `root`, that run when these are imported. hidden:
    modules, as paths without an ending, that are not there."""
    found, todo = set(), {"course_lib", *names}
    while todo:
        parts = todo.pop().split(".")
        places = [root.joinpath(*parts[:n]) for n in range(1, len(parts) + 1)]
        for path in [*(place / "__init__.py" for place in places), places[-1].with_suffix(".py")]:
            if parts[0] != "course_lib" or path in found or not path.is_file():
                continue
            if not {path.with_suffix(""), *path.parents}.isdisjoint(hidden):
                continue
            found.add(path)
            package = ".".join(path.parent.relative_to(root).parts)
            more = imports(path.read_text(encoding="utf-8"), package)
            if path.name == "__init__.py" and "pkgutil" in more:     # it gathers its own modules
                more |= {f"{package}.{module.stem}" for module in path.parent.iterdir()}
            todo |= more
    return found


def version(exercise: str, sources: Iterable[str], root: Path = TOOLBOX.parent) -> str:
    """Of the grader, of the exercise's checks and known answers, and of all of course_lib that they
    and the `sources`, which are the instructor's cells, stand on."""
    grader = {f"course_lib.grading.{path.stem}" for path in (root / "course_lib/grading").iterdir()}
    used = {name for source in sources for name in imports(python(source))}
    names = grader | {checks(exercise)} | used
    known = (root / answers(exercise).relative_to(TOOLBOX.parent)).rglob("*.py")
    found = sorted(path.relative_to(root) for path in {*files(names, root), *known})
    parts = [part for path in found for part in (str(path).encode(), (root / path).read_bytes())]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


_now = cache(version)


def fingerprint(notebook, exercise: str) -> str:
    """A name for what runs in a rebuilt notebook, and for what judges it."""
    ours = tuple(cell.source for cell in to_run(notebook)
                 if cell.role not in ("answer", "extra", "picture", "files"))
    cells = [[cell.cell_type, role(cell), cell.source, marks(cell).get("points"),
              cell.get("attachments")] for cell in notebook.cells]
    about = [_now(exercise, ours), cells, notebook.metadata.get("course")]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()
