"""Mutants of a master's answer: the same source with one small slip, made by machine.

`mutants(source)` gives pairs of what was done and the source. Each must fail the hidden check on
its graded seeds, or compute the same.
"""
import ast
import copy
from collections.abc import Iterator

SWAPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
           ast.Pow: ast.Mult, ast.FloorDiv: ast.Div, ast.Lt: ast.LtE, ast.LtE: ast.Lt,
           ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
           ast.And: ast.Or, ast.Or: ast.And}
PAIRS = ("sum mean", "min max", "amin amax", "minimum maximum", "log log1p", "exp expm1",
         "cumsum cumprod", "zeros_like ones_like", "zeros ones", "floor ceil", "randn rand",
         "logsigmoid sigmoid", "softplus relu", "float64 float32")
RENAMED = {a: b for pair in PAIRS for a, b in (pair.split(), pair.split()[::-1])}
UNARY = set("""sqrt log exp abs square sigmoid detach float double clone clamp flatten view reshape
to masked_fill requires_grad_ zero_grad no_grad softmax log_softmax""".split())
REDUCING = set("sum mean amax logsumexp cumsum softmax log_softmax flatten".split())
WRAPS = {"squeezed": "({}).squeeze()", "as float32": "({}).float()", "detached": "({}).detach()",
         "rounded": "({}).float().double()", "repaired": "({}).nan_to_num()",
         "floored": "({}).clamp(min=1e-8)", "clamped": "({}).clamp(-8, 8)",
         "capped": "({}).clamp(max=50)"}
WHOLE = (ast.FloorDiv, ast.Mod, ast.MatMult)                 # of these no side can be left out


def parse(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def with_parts(node: ast.AST, **parts) -> ast.AST:
    return ast.copy_location(type(node)(**{**vars(node), **parts}), node)


def wrapped(node: ast.AST, how: str) -> ast.expr:
    return parse(WRAPS[how].format(ast.unparse(node)))


def name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def of_call(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    function, args, name = node.func, node.args, name_of(node.func)
    is_method = isinstance(function, ast.Attribute) and not (
        isinstance(function.value, ast.Name) and function.value.id in ("torch", "math"))
    if name in RENAMED:
        other = (ast.Attribute(function.value, RENAMED[name], ast.Load())
                 if isinstance(function, ast.Attribute) else ast.Name(RENAMED[name], ast.Load()))
        yield f"{RENAMED[name]} for {name}", with_parts(node, func=other)
    if name in UNARY and (is_method or args):
        yield f"{name} left out", function.value if is_method else args[0]
    for i in range(min(len(args) - 1, 2)):
        if not any(isinstance(arg, ast.Starred) for arg in args[i:i + 2]):
            swapped = [*args[:i], args[i + 1], args[i], *args[i + 2:]]
            yield "arguments swapped", with_parts(node, args=swapped)
    for i, keyword in enumerate(node.keywords):
        if keyword.arg:
            fewer = node.keywords[:i] + node.keywords[i + 1:]
            yield f"{keyword.arg} left out", with_parts(node, keywords=fewer)
    if args and name in REDUCING:
        yield "dimension left out", with_parts(node, args=args[:-1])


def changes(node: ast.AST, names: list[str]) -> Iterator[tuple[str, ast.AST]]:
    """What may stand in a node's place; names: the parameters of the answer's functions."""
    match node:
        case ast.BinOp(left=a, op=op, right=b):
            if other := SWAPPED.get(type(op)):
                yield f"{other.__name__} for {type(op).__name__}", with_parts(node, op=other())
            if not isinstance(op, WHOLE):
                yield "right side left out", a
            if not isinstance(op, (*WHOLE, ast.Pow)):
                yield "left side left out", b
            if isinstance(op, ast.Sub | ast.Div | ast.Pow | ast.MatMult):
                yield "sides swapped", with_parts(node, left=b, right=a)
        case ast.UnaryOp(operand=operand, op=ast.USub() | ast.Not() | ast.Invert()):
            yield "sign left out", operand
        case ast.Compare(ops=[op]) if type(op) in SWAPPED:
            yield "comparison", with_parts(node, ops=[SWAPPED[type(op)]()])
        case ast.BoolOp(op=op):
            yield "and for or", with_parts(node, op=SWAPPED[type(op)]())
        case ast.Constant(value=bool(x)):
            yield "flag", with_parts(node, value=not x)
        case ast.Constant(value=int(x)):
            for new in sorted({x + 1, x - 1, 0} - {x}):
                yield f"{new} for {x}", with_parts(node, value=new)
        case ast.Constant(value=float(x)):
            for new in sorted({2 * x, x / 2, 1.0, 0.0, -x} - {x}):
                yield f"{new} for {x}", with_parts(node, value=new)
        case ast.IfExp(body=a, orelse=b):
            yield "always the first", a
            yield "always the second", b
        case ast.Call():
            yield from of_call(node)
        case ast.Subscript(value=value, slice=ast.Slice(), ctx=ast.Load()):
            yield "slice left out", value
        case ast.Subscript(slice=index, ctx=ast.Load()) if not isinstance(index, ast.Tuple):
            for step in ("+ 1", "- 1"):
                moved = parse(f"({ast.unparse(index)}) {step}")
                yield "off by one", with_parts(node, slice=moved)
        case ast.Name(id=name, ctx=ast.Load()) if name in names:
            for other in names:
                if other != name:
                    yield f"{other} for {name}", with_parts(node, id=other)
            for how in ("detached", "as float32"):
                yield f"{name} {how}", wrapped(node, how)
        case ast.Return(value=value) if value is not None:
            parts = value.elts if isinstance(value, ast.Tuple) else [value]
            for how in WRAPS:
                for i, part in enumerate(parts):
                    new = [*parts[:i], wrapped(part, how), *parts[i + 1:]]
                    result = new[0] if len(new) == 1 else ast.Tuple(new, ast.Load())
                    yield f"result {how}", with_parts(node, value=result)
        case ast.Expr() | ast.AugAssign() | ast.Raise():
            yield "left out", ast.Pass()
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            for how in ("clamped", "floored", "detached", "as float32"):
                yield f"{name} {how}", with_parts(node, value=wrapped(value, how))


def places(tree: ast.AST) -> Iterator[tuple[ast.AST | list, str | int, ast.AST]]:
    """Where each node stands: what holds it, under which name or number."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if isinstance(value, ast.AST):
                yield vars(parent), name, value
            elif isinstance(value, list):
                for i, child in enumerate(value):
                    if isinstance(child, ast.AST):
                        yield value, i, child


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Each mutant once: (what was done and where, source)."""
    tree = ast.parse(source)
    functions = [f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.Lambda)]
    for function in functions:                                # docstrings are no code
        if isinstance(function, ast.FunctionDef) and ast.get_docstring(function):
            function.body = function.body[1:] or [ast.Pass()]
    names = sorted({arg.arg for function in functions for arg in function.args.args})
    seen = {ast.unparse(tree)}
    for holder, at, node in places(tree):
        for what, new in changes(copy.deepcopy(node), names):
            holder[at] = new
            text = ast.unparse(ast.fix_missing_locations(tree))
            holder[at] = node
            if text not in seen:
                seen.add(text)
                yield f"line {getattr(node, 'lineno', '?')}: {what}", text
