"""The language in which the lines of a proof are written: read by Python's ast against a whitelist,
never run.

A line is one expression: numbers, + - * / **, parentheses, the functions and names that the proof
allows, and tables with conditions such as q[t-1|t,0] or q[1:T|0] (both ends of a slice count).
"""

import ast
import warnings
from dataclasses import dataclass

MAX_CHARACTERS, MAX_NODES, MAX_DEPTH, MAX_NUMBER = 1000, 400, 40, 1e6
TOO_LONG = f"the line has {{}} characters; at most {MAX_CHARACTERS} are read"

RELATION = r"\s*(<=|≤|>=|≥|==?|)(.*)"  # to the line before, and the expression
ARGUMENTS = {"log": (1,), "exp": (1,), "sqrt": (1,), "sum": (1,), "E": (1,), "KL": (2,),
             "JSD": (2, 3), "Sum": (2, 3, 4), "Prod": (4,)}
TYPED = str.maketrans({"−": "-", "–": "-", "·": "*", "×": "*", "⋅": "*", "÷": "/", "π": "pi",
                       "²": "**2", "∣": "|", "≤": "<=", "≥": ">=", "‖": ",", "∥": ","})
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
WORDS = {
    ast.Attribute: "a dot after a name",
    ast.BitOr: "| outside the brackets of a table",
    ast.BitXor: "^ (write ** for a power)",
    ast.BoolOp: "and / or",
    ast.Compare: "a comparison or = inside a line",
    ast.Dict: "braces",
    ast.FloorDiv: "//",
    ast.IfExp: "if",
    ast.JoinedStr: "text in quotes",
    ast.Lambda: "lambda",
    ast.List: "a list",
    ast.MatMult: "@",
    ast.Mod: "%",
    ast.NamedExpr: ":=",
    ast.Set: "braces",
    ast.Slice: "a slice here",
    ast.Starred: "a star",
    ast.Tuple: "a comma outside a function or a table",
}


class LineError(ValueError):
    """A line that cannot be read or evaluated; its text is the sentence that the student sees."""


class UndefinedError(LineError):
    """A line that can be read, and has no value."""


@dataclass(frozen=True)
class Language:
    """What the lines of one proof may use: plain names, tables with [..], functions with (..)."""

    names: frozenset[str]
    functions: frozenset[str]
    tables: frozenset[str] = frozenset()

    def allowed(self) -> str:
        functions = [f"{function}(..)" for function in sorted(self.functions)]
        names = [*sorted(self.names), *(f"{table}[..]" for table in sorted(self.tables))]
        return (f"allowed are numbers, + - * / **, parentheses, {', '.join(functions)} and the "
                f"names {', '.join(names)}")


def cleaned(text: str) -> str:
    """The line as Python can read it: typed signs such as − · π replaced, without comments and
    line breaks."""
    return " ".join(part.split("#")[0] for part in text.translate(TYPED).splitlines()).strip()


def syntax(text: str) -> ast.expr:
    """The syntax tree of one expression, without Python's warnings, and before any check."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, mode="eval").body


def parse(text: str, language: Language) -> ast.expr:
    """The syntax tree of one expression. Raises LineError: what is not allowed, and where."""
    if len(text) > MAX_CHARACTERS:
        raise LineError(TOO_LONG.format(len(text)))
    text = cleaned(text)
    if text in ("", "...", "…"):
        raise LineError("the line is empty")
    try:
        tree = syntax(text)
    except SyntaxError as error:
        if "=" in text:
            raise LineError("write only what stands right of the =: a line is one expression, "
                            "without a name") from None
        place = min(max(error.offset or 1, 1), len(text))
        raise LineError(f"from character {place} on, {text[place - 1:place + 9]!r}: is a * missing "
                        "(2*p, not 2p), a bracket not closed, or a sign not allowed? "
                        f"{language.allowed()}") from None
    except (ValueError, MemoryError, RecursionError):
        raise LineError("it is nested too deeply, or holds a character that does not "
                        "belong") from None
    left = [MAX_NODES]
    _check(tree, language, left, MAX_DEPTH)
    return tree


def _check(node: ast.AST, language: Language, left: list[int], depth: int,
           inside_table: bool = False) -> None:
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        raise LineError(f"the line is too long: at most {MAX_NODES} parts, nested at most "
                        f"{MAX_DEPTH} deep, are read")

    def refuse(what: str):
        place = getattr(node, "col_offset", 0) + 1
        raise LineError(f"character {place}: {what} is not allowed; {language.allowed()}")

    match node:
        case ast.Constant(value=value):
            if type(value) not in (int, float):
                refuse("text in quotes" if isinstance(value, str | bytes) else repr(value))
            if not abs(value) <= MAX_NUMBER:
                refuse(f"a number above {MAX_NUMBER:.0f}")
            return
        case ast.Name(id=name):
            if name in language.functions or name in language.tables:
                refuse(f"{name} without its brackets")
            if name not in language.names:
                refuse(f"the name {name[:20]!r}")
            return
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            parts = [operand]
        case ast.BinOp(left=a, op=op, right=b):
            if not isinstance(op, OPERATORS) and not (inside_table and isinstance(op, ast.BitOr)):
                refuse(WORDS.get(type(op), "this operator"))
            parts = [a, b]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in language.functions:
            if len(args) not in ARGUMENTS[name]:
                counts = " or ".join(map(str, ARGUMENTS[name]))
                raise LineError(f"{name}(..) takes {counts} arguments, not {len(args)}")
            parts, inside_table = args, False
        case ast.Call(func=ast.Name(id=name)):
            if name in language.functions:
                refuse(f"a named argument of {name}")
            refuse(f"the function {name[:20]!r}")
        case ast.Call():
            refuse("a call of something that is no function (is a * missing?)")
        case ast.Subscript(value=ast.Name(id=name), slice=index) if name in language.tables:
            parts, inside_table = index.elts if isinstance(index, ast.Tuple) else [index], True
        case ast.Subscript():
            refuse("brackets [..] after something that is no table")
        case ast.Slice(lower=lower, upper=upper, step=None) if inside_table and lower and upper:
            parts = [lower, upper]
        case _:
            refuse(WORDS.get(type(node), "this construction"))
    for part in parts:
        _check(part, language, left, depth - 1, inside_table)


def short(node: ast.expr) -> str:
    """A part of a line as text, for messages."""
    text = ast.unparse(node)
    text = text.replace(" ", "") if isinstance(node, ast.Subscript) else text
    return text if len(text) <= 60 else text[:57] + "..."
