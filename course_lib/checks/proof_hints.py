"""What a wrong line of a proof is told: the two numbers that differ, and the one slip that would explain it.

The slip is found by trying: each sign, number, limit, pair of arguments of the line is changed, one at a time. The
right line is never shown.
"""

import ast
import copy
from collections.abc import Iterator

import numpy as np

from course_lib.checks.enumeration import TOLERANCE, evaluate
from course_lib.checks.expressions import LineError
from course_lib.checks.indices import bar

MAX_TRIALS, MAX_HINTS = 150, 6


def varies(arrays: list[np.ndarray]) -> set[int]:
    """The axes along which a value changes on some problem."""
    return {i for array in arrays for i in range(array.ndim) if np.ptp(array, axis=i).max() > TOLERANCE}


def explain(line, earned: dict, judged: list, proof) -> str:
    """Why a line is wrong, beside the milestone that it most likely aims at."""
    done = [k for k, other in earned.items() if other.number < line.number]
    last = max(done, default=-1)
    since = earned[last].number if done else 0
    slips = sum(getattr(other, "milestone", None) is None for other in judged[since:line.number - 1])
    order = [k for k in range(last + 1, len(proof.milestones)) if proof.milestones[k].worth]
    order = order[min(slips, len(order) - 1):] + order[:min(slips, len(order) - 1)] if order else [last]
    free = varies(line.values)
    alike = [k for k in order if varies(proof.references[k]) == free]
    aims = [k for k in alike if proof.milestones[k].form(line) is None] or alike or order
    aim, values = proof.milestones[aims[0]], proof.references[aims[0]]
    names = max((problem.axes for problem in proof.problems), key=len)
    surplus = sorted(free - varies(proof.references[order[0]]))
    if surplus:
        aim = proof.milestones[order[0]]
        return (f"it still depends on {', '.join(names[i] for i in surplus)}, and {aim.name} does not: "
                "is a sum or an expectation missing around it, or around a part of it?")
    i = max(range(len(values)), key=lambda i: np.abs(line.values[i] - values[i]).max())
    here, there = np.broadcast_arrays(line.values[i], values[i])
    at = np.abs(here - there).argmax()
    digits = 4 if abs(here.flat[at] - there.flat[at]) > 1e-3 * abs(there.flat[at]) else 10
    numbers = [f"{array.flat[at]:.{digits}g}" for array in (there, here)]
    where = "on a random problem" + (", at one point," if free else "")
    same = [k for k in done if all(a.shape == b.shape and np.allclose(a, b, rtol=0, atol=TOLERANCE)
                                   for a, b in zip(proof.references[k], values))]
    if same:
        other = earned[same[-1]].number
        text = (f"line {line.number} is not equal to line {other}: {where} line {other} is {numbers[0]} "
                f"and this line is {numbers[1]}")
    else:
        text = f"it is not {aim.name}: {where} that is {numbers[0]} and this line is {numbers[1]}"
    before = sum(getattr(other, "milestone", None) is None for other in judged[:line.number - 1])
    hints = (slip(line, proof.references[k], proof) for k in aims[:2]) if before < MAX_HINTS else ()
    return next((f"{text}. {hint}" for hint in hints if hint), text)


def slip(line, values: list[np.ndarray], proof) -> str | None:
    """The one slip that explains a wrong line, in words."""
    shift = [(a - b).ravel() for a, b in zip(line.values, values)]
    for trial, (sentence, tree) in enumerate(changed(line.tree)):
        if trial == MAX_TRIALS:
            break
        if _equal(tree, proof.problems, values):
            return sentence
    if np.ptp(np.concatenate(shift)) < TOLERANCE:
        return f"The two differ by {shift[0][0]:.4g} on every problem: only a constant is wrong"
    ratio = np.concatenate([(a / b).ravel() for a, b in zip(line.values, values) if np.all(b)] or [np.arange(2.0)])
    return f"It is {ratio[0]:.4g} times that on every problem: a factor is wrong" if np.ptp(ratio) < TOLERANCE else None


def _equal(tree: ast.expr, problems: list, values: list[np.ndarray]) -> bool:
    for problem, value in zip(problems, values):
        try:
            if np.abs(evaluate(tree, problem, steps=400) - value).max() > TOLERANCE * max(1.0, np.abs(value).max()):
                return False
        except LineError:
            return False
    return True


def changed(tree: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """The line with one place changed, and the sentence that names the kind of slip."""
    heads = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Subscript)}
    for i, node in enumerate(ast.walk(tree)):
        for sentence, change in _changes(node) if id(node) not in heads else ():
            other = copy.deepcopy(tree)
            target = next(n for j, n in enumerate(ast.walk(other)) if j == i)
            change(target)
            yield sentence, other


def _changes(node: ast.AST) -> list:
    set_ = lambda name, value: lambda n: setattr(n, name, value)
    shift = lambda k, op: lambda n: n.args.__setitem__(k, ast.BinOp(n.args[k], op, ast.Constant(1)))
    match node:
        case ast.BinOp(op=ast.Add()):
            return [("One sign is wrong", set_("op", ast.Sub()))]
        case ast.BinOp(op=ast.Sub()):
            return [("One sign is wrong", set_("op", ast.Add()))]
        case ast.UnaryOp(op=ast.USub()):
            return [("One sign is wrong", set_("op", ast.UAdd()))]
        case ast.BinOp(op=ast.Div()):
            return [("One quotient is upside down", lambda n: (lambda a, b: (set_("left", b)(n), set_("right", a)(n)))
                     (n.left, n.right))]
        case ast.Constant(value=c):
            return [("One number is wrong", set_("value", new)) for new in {2 * c, c / 2, c * c, c + 1, c - 1} - {c}]
        case ast.Name(id=("p" | "g") as name):
            return [("p and g are exchanged in one place", set_("id", "g" if name == "p" else "p"))]
        case ast.Call(func=ast.Name(id="KL")):
            return [("The two arguments of one KL are exchanged: KL(a, b) is the mean of log(a/b) under a",
                     lambda n: n.args.reverse())]
        case ast.Subscript(value=ast.Name(id="q"), slice=index):
            given = ast.unparse(index) + (",0" if bar(index)[1] else "|0")
            return [("One q lacks a condition: what looks back in time is known given x_0 only",
                     set_("slice", ast.parse(f"q[{given}]", mode="eval").body.slice))]
        case ast.Call(func=ast.Name(id="Sum" | "Prod"), args=[_, _, _, _]):
            return [("One limit of a Sum is off by one", shift(k, op)) for k in (2, 3) for op in (ast.Sub(), ast.Add())]
    return []
