"""The normal form of an answer, as a process of its own makes it: a student's source can end the
parser that reads it.

A line of JSON in, kind and source; a line out: the hashes of all runs of tokens.
"""
import ast
import json
import re
import resource
import signal
import sys
import zlib

from course_lib.grading.cells import python

RUN = {"code": 16, "markdown": 8}       # tokens: some three lines of code, or eight words
MAX_TOKENS, SECONDS, MEMORY = 20_000, 5, 2 << 30
SKIPPED = (ast.expr_context, ast.Import, ast.ImportFrom, ast.Pass, ast.type_ignore)
DEFINES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _bound(tree: ast.AST) -> set[str]:
    """The names that the source gives itself, which another name could stand for."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case (ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name)
                  | ast.Attribute(attr=name, ctx=ast.Store())):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(
                    name=name) | ast.ExceptHandler(name=str(name)):
                found.add(name)
    return found


def _token(node: ast.AST, bound: set[str]) -> str:
    match node:
        case ast.Name(id=name):
            return "v" if name in bound else name
        case ast.Attribute(attr=name):
            return ".v" if name in bound else f".{name}"
        case ast.keyword(arg=name):
            return f"{name}="
        case ast.Constant(value=int() | float() | complex() as value):
            return f"{type(value).__name__}{hash(value)}"
        case ast.Constant(value=value):
            return type(value).__name__
    return type(node).__name__


def _children(node: ast.AST) -> list[ast.AST]:
    found = []
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "type_params"):
            continue
        for part in value if isinstance(value, list) else [value]:
            text = isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
            if isinstance(part, ast.AST) and not isinstance(part, SKIPPED) and not text:
                found.append(part)
    return found


def tokens(kind: str, source: str) -> list[str]:
    """The syntax tree from the top, without what does nothing (comments, docstrings, formatting,
    annotations, imports) and with one name for all that the source names itself. Of text, and of
    what is no Python, the words."""
    if kind == "code":
        try:
            tree = ast.parse(python(source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return re.findall(r"\w+|[^\w\s]", re.sub(r"#.*", "", source))[:MAX_TOKENS]
        bound, found, todo = _bound(tree), [], [tree]
        while todo and len(found) < MAX_TOKENS:
            node = todo.pop()
            found.append(_token(node, bound))
            todo += reversed(_children(node))
        return found[1:]
    return re.findall(r"\w+", source.casefold())[:MAX_TOKENS]


def runs(kind: str, source: str) -> list[int]:
    """A number for each run of tokens, the same in every process; what is shorter has none."""
    length = RUN.get(kind, RUN["markdown"])
    numbers = [zlib.crc32(token.encode("utf-8", "replace")) for token in tokens(kind, source)]
    return sorted({hash(tuple(numbers[i:i + length])) for i in range(len(numbers) - length + 1)})


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)       # which ends this process
        print(json.dumps(runs(*json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
