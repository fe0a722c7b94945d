"""What stands in the brackets of a table, such as q[t-1|t,0], q[1:T|0] or p[h|v]: which variables,
given which."""

import ast

from course_lib.proofs.expressions import LineError, short


def bar(index: ast.expr) -> tuple[list[ast.expr], list[ast.expr]]:
    """What stands before and after the | of a table; Python reads [1:T|0] as slice 1:(T|0)."""
    sides, side = ([], []), 0
    for part in index.elts if isinstance(index, ast.Tuple) else [index]:
        match part:
            case ast.BinOp(left=a, op=ast.BitOr(), right=b):
                both = (a, b)
            case ast.Slice(lower=low, upper=ast.BinOp(left=a, op=ast.BitOr(), right=b)):
                both = (ast.Slice(low, a), b)
            case ast.Slice(lower=ast.BinOp(left=a, op=ast.BitOr(), right=b), upper=high):
                both = (a, ast.Slice(b, high))
            case _:
                sides[side].append(part)
                continue
        if side == 1:
            raise LineError(f"[{ast.unparse(index)}] has more than one |")
        sides[0].append(both[0])
        sides[1].append(both[1])
        side = 1
    return sides


def time_of(node: ast.expr, times: dict[str, int]) -> int:
    """A time: a whole number, T or a bound index, and sums and differences of these."""
    match node:
        case ast.Constant(value=int(t)):
            return t
        case ast.Name(id=name) if name in times:
            return times[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -time_of(operand, times)
        case ast.BinOp(left=a, op=ast.Add(), right=b):
            return time_of(a, times) + time_of(b, times)
        case ast.BinOp(left=a, op=ast.Sub(), right=b):
            return time_of(a, times) - time_of(b, times)
    raise LineError(f"{short(node)} is no time: a time is a whole number, T, or the t of a Sum "
                    "around it, or t - 1")


def positions(parts: list[ast.expr], axes: tuple[str, ...], times: dict[str, int]) -> list[int]:
    """The axes that one side of a table names: by time on a chain x_0 .. x_T, by name elsewhere."""

    def one(node: ast.expr) -> int:
        if "T" not in times:
            if not (isinstance(node, ast.Name) and node.id in axes):
                raise LineError(f"{short(node)} is none of the variables {', '.join(axes)}")
            return axes.index(node.id)
        t = time_of(node, times)
        if not 0 <= t <= times["T"]:
            raise LineError(f"it needs x_{t}, but with T = {times['T']} the chain runs from x_0 to "
                            f"x_{times['T']}")
        return t

    found = []
    for part in parts:
        if isinstance(part, ast.Slice):
            found += range(one(part.lower), one(part.upper) + 1)
        else:
            found.append(one(part))
    return found
