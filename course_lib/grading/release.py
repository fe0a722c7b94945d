"""What a release says of itself, in its notebook's metadata under "course": `answers`, the names
that a student writes (grade_id -> names), and `asks_for`, the modules that are not there during
grading. Both are checked when it is made, and when it is graded.
"""
import ast
import builtins
import contextlib
import dis
from collections.abc import Iterator
from types import CodeType

from nbformat import NotebookNode
from nbgrader.converters.base import NbGraderException

from course_lib.grading.cells import Cell, Reads, names_in, python, to_run
from course_lib.grading.comfort import visible
from course_lib.grading.forkserver import PRELOADED
from course_lib.grading.remote import CALLS
from course_lib.grading.sandbox import TOOLBOX
from course_lib.grading.version import files, imports
from course_lib.hidden import unseen

EVERYWHERE = {*dir(builtins), "__name__", "display"}     # what a test has without a cell's doing
ROOT = TOOLBOX.parent
NEEDED = ("course_lib.grading.kernel", "course_lib.grading.forkserver", "course_lib.checks")


def defined(source: str) -> set[str]:
    """The names that an answer defines, but for modules and what it takes from them."""
    try:
        tree = ast.parse(python(source))
    except SyntaxError:
        return set()
    taken = {alias.asname or alias.name.split(".")[0] for node in ast.walk(tree)
             if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
    return names_in(source)[1] - taken


def early(code: CodeType, bound: set[str], top: bool = True) -> set[str]:
    """The global names that a cell reads before it binds them, as its text has it; what a function
    reads counts where it is made. bound: those that are bound by then."""
    found = set()
    for step in dis.get_instructions(code):
        name = step.argval
        if isinstance(name, CodeType):
            found |= early(name, bound, top=False)
        elif step.opname in ("LOAD_NAME", "LOAD_GLOBAL", "DELETE_NAME", "DELETE_GLOBAL"):
            found |= {name} - bound
        elif step.opname == "STORE_GLOBAL" or top and step.opname == "STORE_NAME":
            bound.add(name)
    return found


def names(notebook: NotebookNode) -> tuple[dict[str, list[str]], list[str]]:
    """Of a master: the names that a student writes in each answer, and warnings. Errors:
    NbGraderException, where a test needs a name that it cannot have."""
    cells = to_run(notebook)
    answers = {cell.grade_id: defined(cell.source) for cell in cells if cell.role == "answer"}
    theirs = set().union(*answers.values())
    ours = {name: cell for cell in reversed(cells) if cell.role in ("given", "locked", "test")
            for name in names_in(cell.source)[1] & theirs}
    warnings, reads, origin = [], Reads(), dict.fromkeys(EVERYWHERE, "")
    for cell in cells:
        read, bound = names_in(cell.source)
        outside = cell.role in ("given", "locked", "test")
        if outside and any(name.endswith(".*") for name in imports(python(cell.source))):
            raise NbGraderException(f"{_called(cell)} imports *, which may be what a student is "
                                    "asked for: name what it imports.")
        read_first = read - bound
        if cell.role in ("locked", "test"):
            with contextlib.suppress(SyntaxError, ValueError):
                read_first |= early(compile(python(cell.source), "cell", "exec"), set())
        for name in sorted(read_first & theirs) if outside else ():
            if name in ours or name in EVERYWHERE:
                other = "Python" if name not in ours else _called(ours[name])
                other = "it" if ours.get(name) is cell else other
                raise NbGraderException(f"{_called(cell)} asks the student for {name}, which "
                                        f"{other} defines too: name one of them otherwise.")
        if cell.role == "test":
            warnings += _test(cell, read - bound - theirs, origin)
            origin |= dict.fromkeys(bound, cell.grade_id)
        elif outside:
            uses = reads.needs(cell.source) & theirs
            lost = read & theirs and cell.role == "given"
            where = f"a cell that uses {min(uses)}" if uses else ""
            origin |= dict.fromkeys(bound, None if lost else where)
        if outside:
            reads.seen(cell.source)
    return {name: sorted(its - ours.keys()) for name, its in answers.items()}, warnings


def _called(cell: Cell) -> str:
    first = cell.source.strip().split("\n")[0]
    return cell.grade_id or f"the cell that begins with “{first[:60]}”"


def _test(cell: Cell, needed: set[str], origin: dict[str, str | None]) -> Iterator[str]:
    """Warnings of a test. origin: where the names that there are come from, where that is to be
    said; None: from a cell that does not run outside."""
    for name in sorted(needed):
        if origin.get(name) is None:
            why = "no cell of yours does, but one that uses an answer and is not read-only" if (
                name in origin) else "no cell does that runs outside the sandbox, and no answer"
            raise NbGraderException(f"{cell.grade_id} needs {name}, and nothing that it can rely "
                                    f"on defines it: {why}.")
        if origin[name]:
            yield (f"{cell.grade_id} needs {name} from {origin[name]}: where that fails, this "
                   "test fails too.")


def oracles(notebook: NotebookNode) -> Iterator[str]:
    """Warnings of hidden tests that hand a function to an answer, themselves or in the checks that
    they import, without a bound on its calls. Checks name an answer as the question does; of what
    is `Asked` there all calls are looked at."""
    for cell in to_run(notebook):
        if cell.role != "test":
            continue
        seen, question = visible(cell).count("\n") + 1, cell.grade_id.removeprefix("test_")
        checks = [name for name in imports(cell.source) if unseen(name.replace(".", "/"))]
        texts = [path.read_text(encoding="utf-8") for path in files(checks, ROOT) if unseen(path)]
        trees = [(ast.parse(text), 0) for text in texts if question in text]
        if any(_hands(tree, question, first) for tree, first in
               [(ast.parse(python(cell.source)), seen), *trees]):
            yield (f"{cell.grade_id} hands a function to {question}, which may call it {CALLS} "
                   "times, and search with what it says: bound it with course_lib.checks.at_most.")


def _hands(tree: ast.Module, question: str, first: int) -> bool:
    """Whether a function is among the arguments of a call of the question's answer, after line
    `first`."""
    parts = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for part in [*parts, ast.Module([node for node in tree.body if node not in parts], [])]:
        nodes = [*ast.walk(part)]
        made = {node.name for node in [*parts, *nodes] if isinstance(node, ast.FunctionDef)}
        made |= {target.id for node in nodes if isinstance(node, ast.Assign)
                 and isinstance(node.value, ast.Lambda)
                 for target in node.targets if isinstance(target, ast.Name)}
        for node in nodes:
            match node:
                case (ast.Call(ast.Name("call"), [ast.Name(name), *args], named)
                      | ast.Call(ast.Name(name), args, named)) if name == question:
                    hands = [_is_function(x, made) for x in (*args, *named)]
                    if node.lineno > first and any(hands):
                        return True
    return False


def _is_function(x: ast.AST, made: set[str]) -> bool:
    match x:
        case ast.List(parts) | ast.Tuple(parts) | ast.Dict(_, parts):
            return any(_is_function(part, made) for part in parts)
        case ast.Starred(part) | ast.keyword(_, part):
            return _is_function(part, made)
        case ast.Call(ast.Name("Asked" | "partial")) | ast.Lambda():
            return True
    return isinstance(x, ast.Name) and x.id in made


def check(notebook: NotebookNode, called: str) -> None:
    """Of a release, or a master: what it asks for. Errors: NbGraderException."""
    asks_for = notebook.metadata.get("course", {}).get("asks_for", [])
    if not (isinstance(asks_for, list) and all(isinstance(name, str) for name in asks_for)):
        raise NbGraderException(f"{called}: asks_for in the notebook's metadata is no list of "
                                'modules, such as ["course_lib.gan"].')
    place = lambda name: ROOT.joinpath(*name.split("."))
    for name in asks_for:
        there = place(name).is_dir() or place(name).with_suffix(".py").is_file()
        named = name.startswith("course_lib.") and all(map(str.isidentifier, name.split(".")))
        if not (named and there):
            raise NbGraderException(f"{called}: asks_for names {name}, which is no module of "
                                    "course_lib, and so cannot be hidden.")
    hidden, needs = {place(name): name for name in asks_for}, {"the sandbox": {*NEEDED}}
    for path in sorted(files([*NEEDED, *PRELOADED], ROOT, hidden)):
        here = path.relative_to(ROOT)
        needs[str(here)] = imports(path.read_text(encoding="utf-8"), ".".join(here.parts[:-1]))
    for who, modules in needs.items():
        for module in sorted(modules):
            for gone in hidden.keys() & {place(module), *place(module).parents}:
                raise NbGraderException(f"{called}: asks_for names {hidden[gone]}, which cannot be "
                                        f"hidden: {who} imports {module}.")
