"""Mutants of a master's answer: the same source with one small slip, made by machine.

`mutants(source)` yields (what was done, source). Each must fail the hidden check on its graded seeds, or compute the same.
"""
import ast
import copy
from collections.abc import Iterator

SWAPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
           ast.FloorDiv: ast.Div, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
           ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.And: ast.Or, ast.Or: ast.And}
RENAMED = {"sum": "mean", "mean": "sum", "min": "max", "max": "min", "amax": "amin", "amin": "amax", "log": "log1p",
           "log1p": "log", "exp": "expm1", "expm1": "exp", "cumsum": "cumprod", "zeros_like": "ones_like",
           "ones_like": "zeros_like", "zeros": "ones", "ones": "zeros", "floor": "ceil", "ceil": "floor",
           "logsigmoid": "sigmoid", "softplus": "relu", "float64": "float32", "maximum": "minimum", "randn": "rand"}
UNARY = {"sqrt", "log", "exp", "abs", "square", "sigmoid", "detach", "float", "double", "clone", "clamp", "flatten", "view",
         "reshape", "to", "masked_fill", "requires_grad_", "zero_grad", "no_grad", "softmax", "log_softmax"}
WRAPS = {"squeeze": "({}).squeeze()", "float32": "({}).float()", "detach": "({}).detach()", "floor": "({}).clamp(min=1e-8)",
         "clamp": "({}).clamp(-8, 8)", "ceiling": "({}).clamp(max=50)", "rounded": "({}).float().double()",
         "repaired": "({}).nan_to_num()"}


def parse(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def changes(node: ast.AST, names: list[str]) -> Iterator[tuple[str, ast.AST | None]]:
    """What may stand in a node's place; None: nothing (a statement is left out)."""
    again = lambda **parts: ast.copy_location(type(node)(**{**vars(node), **parts}), node)
    match node:
        case ast.BinOp(left=a, op=op, right=b):
            if type(op) in SWAPPED:
                yield f"{type(op).__name__} for {SWAPPED[type(op)].__name__}", again(op=SWAPPED[type(op)]())
            if not isinstance(op, ast.FloorDiv | ast.Mod | ast.MatMult):
                yield "right side dropped", a
            if not isinstance(op, ast.FloorDiv | ast.Mod | ast.MatMult | ast.Pow):
                yield "left side dropped", b
            if isinstance(op, ast.Sub | ast.Div | ast.Pow | ast.MatMult):
                yield "sides swapped", again(left=b, right=a)
        case ast.UnaryOp(operand=operand, op=ast.USub() | ast.Not() | ast.Invert()):
            yield "sign dropped", operand
        case ast.Compare(ops=[op], left=a, comparators=[b]) if type(op) in SWAPPED:
            yield "comparison", again(ops=[SWAPPED[type(op)]()])
        case ast.BoolOp(op=op, values=[first, *_]):
            yield "and for or", again(op=SWAPPED[type(op)]())
        case ast.Constant(value=bool(x)):
            yield "flag", again(value=not x)
        case ast.Constant(value=int(x)):
            for new in {x + 1, x - 1, 0} - {x}:
                yield f"{new} for {x}", again(value=new)
        case ast.Constant(value=float(x)):
            for new in {2 * x, x / 2, 1.0, 0.0, -x} - {x}:
                yield f"{new} for {x}", again(value=new)
        case ast.IfExp(body=a, orelse=b):
            yield "always first", a
            yield "always second", b
        case ast.Call(func=f, args=args, keywords=keywords):
            name = f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "")
            if name in RENAMED:
                new = again(func=ast.Attribute(f.value, RENAMED[name], ast.Load()) if isinstance(f, ast.Attribute)
                            else ast.Name(RENAMED[name], ast.Load()))
                yield f"{RENAMED[name]} for {name}", new
            if name in UNARY and isinstance(f, ast.Attribute) and not (isinstance(f.value, ast.Name) and f.value.id in ("torch", "math")):
                yield f"{name} dropped", f.value
            elif name in UNARY and len(args) >= 1:
                yield f"{name} dropped", args[0]
            if len(args) > 1 and not any(isinstance(a, ast.Starred) for a in args[:2]):
                yield "arguments swapped", again(args=[args[1], args[0], *args[2:]])
            if len(args) > 2 and not any(isinstance(a, ast.Starred) for a in args[1:3]):
                yield "arguments swapped", again(args=[args[0], args[2], args[1], *args[3:]])
            for i, keyword in enumerate(keywords):
                if keyword.arg:
                    yield f"{keyword.arg} left out", again(keywords=keywords[:i] + keywords[i + 1:])
            if args and name in ("sum", "mean", "amax", "logsumexp", "cumsum", "softmax", "log_softmax", "flatten"):
                yield "dimension left out", again(args=args[:-1])
        case ast.Subscript(value=value, slice=index, ctx=ast.Load()):
            for new in ("{} + 1", "{} - 1"):
                if not isinstance(index, ast.Slice | ast.Tuple):
                    yield "off by one", again(slice=parse(new.format(f"({ast.unparse(index)})")))
            if isinstance(index, ast.Slice):
                yield "slice left out", value
        case ast.Name(id=name, ctx=ast.Load()) if name in names:
            for other in names:
                if other != name:
                    yield f"{other} for {name}", again(id=other)
            yield f"{name} detached", parse(f"{name}.detach()")
            yield f"{name} as float32", parse(f"{name}.float()")
        case ast.Return(value=value) if value is not None:
            parts = value.elts if isinstance(value, ast.Tuple) else [value]
            for what, wrap in WRAPS.items():
                for i, part in enumerate(parts):
                    new = [*parts[:i], parse(wrap.format(ast.unparse(part))), *parts[i + 1:]]
                    yield f"result {what}", again(value=ast.Tuple(new, ast.Load()) if len(parts) > 1 else new[0])
        case ast.Expr() | ast.AugAssign() | ast.Raise():
            yield "left out", ast.Pass()
        case ast.Assign(targets=[ast.Name()], value=value):
            for what in ("clamp", "floor", "detach", "float32"):
                yield f"{ast.unparse(node.targets[0])} {what}", again(value=parse(WRAPS[what].format(ast.unparse(value))))


def places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            for i, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(child, ast.AST):
                    yield parent, name, i


def mutants(source: str) -> Iterator[tuple[str, str]]:
    tree = ast.parse(source)
    for definition in ast.walk(tree):                              # docstrings are no code
        if isinstance(definition, ast.FunctionDef) and ast.get_docstring(definition):
            definition.body = definition.body[1:] or [ast.Pass()]
    names = sorted({a.arg for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.Lambda) for a in f.args.args})
    seen = {ast.unparse(tree)}
    for parent, name, i in places(tree):
        held = getattr(parent, name)
        child = held if i is None else held[i]
        for what, new in changes(copy.deepcopy(child), names):
            setattr(parent, name, new) if i is None else held.__setitem__(i, new)
            try:
                text = ast.unparse(ast.fix_missing_locations(tree))
            finally:
                setattr(parent, name, child) if i is None else held.__setitem__(i, child)
            if text not in seen:
                seen.add(text)
                yield f"line {getattr(child, 'lineno', '?')}: {what}", text
