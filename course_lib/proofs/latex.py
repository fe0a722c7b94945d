"""The lines of a proof as mathematics, for the notebook."""

import ast
import re

from course_lib.proofs.expressions import RELATION, cleaned, syntax
from course_lib.proofs.indices import bar

GREEK = {"pi", "alpha", "beta", "gamma", "delta", "eps", "theta", "phi", "sigma", "lambda"}
SYMBOLS = {"eps": r"\varepsilon", "JSD": r"\mathrm{JSD}", "dE": r"\partial_\theta E", "E": "E"}
ADD, SERIES, MULTIPLY, POWER, ATOM = range(5)


def typeset(lines: list[str]):
    """The numbered lines as one IPython Math object; what cannot be typeset is shown as typed."""
    from IPython.display import Math

    lines = lines[:40] if isinstance(lines, list | tuple) else [lines]
    rows = [rf"({i})\quad & {_line(line)}" for i, line in enumerate(lines, 1)]
    return Math(r"\begin{aligned}" + r" \\[6pt] ".join(rows) + r"\end{aligned}")


def _line(text: object) -> str:
    relation, body = re.fullmatch(RELATION, str(text)[:1000], re.DOTALL).groups()
    try:
        parts = [latex(part) for part in re.split(r",\s*gap\s*=", body, maxsplit=1)]
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        typed, known = str(text)[:120], " +-*/()[]|,.:=<>"
        plain = "".join(c if c.isalnum() or c in known else "?" for c in typed)
        return rf"\text{{{plain}}}\quad\text{{(cannot be read)}}"
    sign = {"": "", "=": "= ", "==": "= ", ">=": r"\ge ", "≥": r"\ge "}.get(relation, r"\le ")
    return sign + r" \qquad \text{gap: }\; ".join(parts)


def latex(text: str) -> str:
    """One expression of the language as LaTeX. Raises ValueError or SyntaxError if it is none."""
    return _latex(syntax(cleaned(text)))[0]


def _name(name: str) -> str:
    if name in SYMBOLS or name in GREEK:
        return SYMBOLS.get(name, "\\" + name)
    return name if len(name) == 1 else rf"\mathrm{{{name}}}".replace("_", r"\_")


def _index(node: ast.expr) -> str:
    """A random variable: x with a time, x from time to time, or a variable of its own name."""
    match node:
        case ast.Slice(lower=ast.expr() as low, upper=ast.expr() as high, step=None):
            return f"x_{{{ast.unparse(low)}:{ast.unparse(high)}}}".replace(" ", "")
        case ast.Name(id=name) if name not in ("t", "s", "k", "T"):
            return _name(name)
        case ast.Slice():
            raise ValueError("a slice names both its ends")
    return f"x_{{{ast.unparse(node)}}}".replace(" ", "")


def _latex(node: ast.expr) -> tuple[str, int]:
    """LaTeX and how tightly it binds."""
    def show(part: ast.expr, at_least: int = ADD) -> str:
        text, tight = _latex(part)
        return text if tight >= at_least else rf"\left({text}\right)"
    match node:
        case ast.Constant(value=int() | float() as number):
            return f"{number:g}", ATOM
        case ast.Name(id=name):
            return _name(name), ATOM
        case ast.UnaryOp(op=ast.USub(), operand=x):
            return "-" + show(x, SERIES), ADD
        case ast.UnaryOp(op=ast.UAdd(), operand=x):
            return _latex(x)
        case ast.BinOp(left=a, op=ast.Add(), right=b):
            return f"{show(a)} + {show(b, SERIES if isinstance(b, ast.UnaryOp) else ADD)}", ADD
        case ast.BinOp(left=a, op=ast.Sub(), right=b):
            return f"{show(a)} - {show(b, SERIES)}", ADD
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            right = show(b, MULTIPLY)
            times = r" \cdot " if right[0].isdigit() else r"\,"
            return show(a, MULTIPLY) + times + right, MULTIPLY
        case ast.BinOp(left=a, op=ast.Div(), right=b):
            return rf"\frac{{{show(a)}}}{{{show(b)}}}", ATOM
        case ast.BinOp(left=a, op=ast.Pow(), right=b):
            base = rf"\left({show(a)}\right)" if isinstance(a, ast.BinOp) else show(a, POWER)
            return rf"{base}^{{{show(b)}}}", POWER
        case ast.Subscript(value=ast.Name(id=name), slice=index):
            over, given = (", ".join(map(_index, side)) for side in bar(index))
            return f"{_name(name)}({over}" + (rf" \mid {given})" if given else ")"), ATOM
        case ast.Call(func=ast.Name(id="KL"), args=[a, b]):
            return rf"D_{{\mathrm{{KL}}}}\!\left({show(a)} \,\middle\|\, {show(b)}\right)", ATOM
        case ast.Call(func=ast.Name(id="E"), args=[x]):
            return rf"\mathbb{{E}}_q\!\left[{show(x)}\right]", ATOM
        case ast.Call(func=ast.Name(id="sum"), args=[x]):
            return rf"\sum_x {show(x, SERIES)}", SERIES
        case ast.Call(func=ast.Name(id=("Sum" | "Prod") as f), args=[x, t, low, high]):
            sign = {"Sum": r"\sum", "Prod": r"\prod"}[f]
            return rf"{sign}_{{{show(t)}={show(low)}}}^{{{show(high)}}} {show(x, SERIES)}", SERIES
        case ast.Call(func=ast.Name(id="Sum"), args=[x, *over]):
            return rf"\sum_{{{', '.join(map(show, over))}}} {show(x, SERIES)}", SERIES
        case ast.Call(func=ast.Name(id=("log" | "exp") as f), args=[x]):
            return rf"\{f}\left({show(x)}\right)", ATOM
        case ast.Call(func=ast.Name(id="sqrt"), args=[x]):
            return rf"\sqrt{{{show(x)}}}", ATOM
        case ast.Call(func=ast.Name(id=name), args=args):
            return rf"{_name(name)}\left({', '.join(map(show, args))}\right)", ATOM
    raise ValueError("this is no line of a proof")
