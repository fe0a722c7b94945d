"""Which room of course_lib imports which: from the foundations up, with no arrow back and no
circle. The sources are read, and nothing is imported."""
import ast
import io
import re
import subprocess
import tokenize
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLOORS = (("core", "optim", "evaluate", "show", "nets", "data"), (),
          ("recipes", "checks", "proofs"), ("hidden",), ("grading",))
PAPERS = 1                                 # the floor of every other room: gan, diffusion, …


def tracked(pattern: str) -> list[str]:
    command = ["git", "ls-files", pattern]
    found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in found.split() if (ROOT / name).exists()]


def module(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = {module(file): file for file in tracked("course_lib/*.py")}


@cache
def imports(file: str) -> frozenset[str]:
    """The modules of course_lib that a file imports, also inside of its functions; but not what it
    does where it is the command itself."""
    found, package = set(), module(file).split(".")
    if not file.endswith("__init__.py"):
        package.pop()
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tree.body = [part for part in tree.body if not (
        isinstance(part, ast.If) and ast.unparse(part.test) == "__name__ == '__main__'")]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[:len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            longer = {f"{base}.{name.name}" for name in node.names}
            found |= {name if name in MODULES else base for name in longer}
    return frozenset(name for name in found if name in MODULES and name != module(file))


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def floor(name: str) -> int:
    return next((i for i, rooms in enumerate(FLOORS) if room(name) in rooms), PAPERS)


def test_nothing_imports_from_a_floor_above():
    arrows = [(name, other) for name, file in MODULES.items() for other in imports(file)]
    arrows = [(name, other) for name, other in arrows if room(name) and room(other)]
    assert len(arrows) > 50
    assert not [f"{name} imports {other}" for name, other in arrows if floor(other) > floor(name)]


def test_nets_import_nothing_but_nets():
    """A net knows of no loss."""
    nets = {name: imports(file) for name, file in MODULES.items() if room(name) == "nets"}
    assert nets and not [name for name, others in nets.items() if set(map(room, others)) - {"nets"}]


def circle(arrows: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_files_import_each_other_in_no_circle():
    """A package's __init__ is a file like others: it imports those beside it, and they do not
    import it."""
    assert not circle({name: set(imports(file)) for name, file in MODULES.items()})


def test_rooms_import_each_other_in_no_circle():
    """A paper's model may import another paper's file, and so papers are looked at file by file,
    above."""
    arrows = {}
    for name, file in MODULES.items():
        theirs = {room(other) for other in imports(file)} - {room(name), ""}
        arrows.setdefault(room(name), set()).update(theirs if floor(name) != PAPERS else ())
    assert not circle(arrows)


def test_the_rule_of_what_students_never_see_is_asked_by_few():
    may = ("course_lib/grading/", "course_lib/hidden/", "scripts/", "tests/", "benchmarks/grading")
    sources = {name: (ROOT / name).read_text(encoding="utf-8") for name in tracked("*.py")}
    asks = [name for name, source in sources.items() if "course_lib.hidden import " in source]
    assert asks and not [name for name in asks if not name.startswith(may)]


def test_each_numbered_equation_of_ddpm_is_cited_where_it_runs():
    """But for 16, which reads 5 anew and has no code."""
    files = tracked("course_lib/diffusion/*.py")
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in files]
    cited = re.findall(r"DDPM,\s+eqs?\.((?:\d|\s|,|and|to)+)", "\n".join(texts))
    assert not [n for n in range(1, 16) if not any(re.search(rf"\b{n}\b", line) for line in cited)]


def lines(file: str) -> int:
    """Of code: without comments, docstrings, imports and blank lines."""
    source = (ROOT / file).read_text(encoding="utf-8")
    left_out, marks = set(), (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT,
                              tokenize.DEDENT, tokenize.ENDMARKER)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            if not ast.get_docstring(node):
                continue
            node = node.body[0]
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        left_out |= {*range(node.lineno, node.end_lineno + 1)}
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(source).readline)
              if token.type not in marks]
    found = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    return len(found - left_out)


def test_what_an_auditor_must_read_stays_short():
    guide = (ROOT / "docs/grading.md").read_text(encoding="utf-8")
    said = re.search(r"less than 1,000 lines.*?\n\n", guide, re.DOTALL)[0].split(". The rest")[0]
    audit = [f"course_lib/grading/{name}.py" for name in re.findall(r"`(\w+)`", said)]
    audit += re.findall(r"`(course_lib/\S+\.py)`", said)
    assert len(audit) == 8
    assert sum(map(lines, audit)) < 1000
