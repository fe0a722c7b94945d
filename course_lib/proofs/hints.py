"""What a wrong line of a proof is told: the two numbers that differ, and the one slip that would
explain it.

The slip is found by trying: each sign, number, limit, pair of arguments of the line is changed, one
at a time. The right line is never shown.
"""

import ast
from collections.abc import Iterator
from itertools import islice

import numpy as np

from course_lib.proofs.enumeration import evaluate
from course_lib.proofs.expressions import LineError, syntax
from course_lib.proofs.indices import bar
from course_lib.proofs.problem import TOLERANCE, same_value, varies

MAX_TRIALS, MAX_STEPS, MAX_HINTS = 150, 250, 6


def explain(line, earned: dict, judged: list, proof) -> str:
    """Why a line is wrong, beside the milestone that it most likely aims at."""
    done = [k for k, other in earned.items() if other.number < line.number]
    last = max(done, default=-1)
    since = earned[last].number if done else 0
    helpful = lambda other: getattr(other, "milestone", None) is not None or (
        getattr(other, "fact", None) is not None)
    failed = lambda lines: sum(not helpful(other) for other in lines)
    order = [k for k in range(last + 1, len(proof.milestones)) if proof.milestones[k].worth]
    ahead = min(failed(judged[since:line.number - 1]), len(order) - 1)
    order = order[ahead:] + order[:ahead] if order else [last]
    free = varies(line.values)
    alike = [k for k in order if varies(proof.references[k]) == free]
    plain = not any(isinstance(node, ast.Call) for node in ast.walk(line.tree))
    if plain and free < varies(proof.references[order[0]]):
        alike = order[:1]  # a plain number such as 1/2, where a function of x is due
    aims = [k for k in alike if proof.milestones[k].form(line) is None] or alike or order
    aim, values = proof.milestones[aims[0]], proof.references[aims[0]]
    names = max((problem.axes for problem in proof.problems), key=len)
    surplus = sorted(free - varies(proof.references[order[0]]))
    if surplus:
        aim = proof.milestones[order[0]]
        return (f"it still depends on {', '.join(names[i] for i in surplus)}, and {aim.name} does "
                "not: is a sum or an expectation missing around it, or around a part of it?")
    i = max(range(len(values)), key=lambda i: np.abs(line.values[i] - values[i]).max())
    here, there = np.broadcast_arrays(line.values[i], values[i])
    at = np.abs(here - there).argmax()
    digits = 4 if abs(here.flat[at] - there.flat[at]) > 1e-3 * abs(there.flat[at]) else 10
    numbers = [f"{array.flat[at]:.{digits}g}" for array in (there, here)]
    where = "on a random problem" + (", at one point," if here.size > 1 else "")
    same = [k for k in done if same_value(proof.references[k], values)]
    if same:
        other = earned[same[-1]].number
        text = (f"line {line.number} is not equal to line {other}: {where} line {other} is "
                f"{numbers[0]} and this line is {numbers[1]}")
    else:
        text = f"it is not {aim.name}: {where} that is {numbers[0]} and this line is {numbers[1]}"
    patient = failed(judged[:line.number - 1]) < MAX_HINTS
    hints = (name_slip(line, proof.references[k], proof) for k in aims[:2]) if patient else ()
    return next((f"{text}. {hint}" for hint in hints if hint), text)


def name_slip(line, values: list[np.ndarray], proof) -> str | None:
    """The one slip that explains a wrong line, in words."""
    for sentence in islice(changed(line.tree), MAX_TRIALS):
        if _equal(line.tree, proof.problems, values):
            return sentence
    shift = np.concatenate([(a - b).ravel() for a, b in zip(line.values, values)])
    if np.ptp(shift) < TOLERANCE:
        return f"The two differ by {shift[0]:.4g} on every problem: only a constant is wrong"
    if same_value([-a for a in line.values], values):
        return "The sign of the whole line is wrong"
    ratios = [(a / b).ravel() for a, b in zip(line.values, values) if np.all(b)]
    if ratios and np.ptp(ratio := np.concatenate(ratios)) < TOLERANCE:
        return f"It is {ratio[0]:.4g} times that on every problem: a factor is wrong"
    return None


def _equal(tree: ast.expr, problems: list, values: list[np.ndarray]) -> bool:
    try:
        return all(same_value([evaluate(tree, problem, steps=MAX_STEPS)], [value])
                   for problem, value in zip(problems, values))
    except LineError:
        return False


def changed(tree: ast.expr) -> Iterator[str]:
    """Changes one place of the line after another, and names the kind of slip while it stands."""
    nodes = list(ast.walk(tree))
    heads = [node.value for node in nodes if isinstance(node, ast.Subscript)]
    for node in nodes:
        for sentence, new in _changes(node) if node not in heads else ():
            old = {name: getattr(node, name) for name in new}
            try:
                vars(node).update(new)
                yield sentence
            finally:
                vars(node).update(old)
    divergences = [node for node in nodes if isinstance(node, ast.Call) and node.func.id == "KL"]
    for node in divergences:
        node.args.reverse()
    try:
        yield "The two arguments of each KL are exchanged: KL(a, b) is the mean of log(a/b) under a"
    finally:
        for node in divergences:
            node.args.reverse()


def _changes(node: ast.AST) -> list[tuple[str, dict]]:
    match node:
        case ast.BinOp(op=ast.Add()):
            return [("One sign is wrong", {"op": ast.Sub()})]
        case ast.BinOp(op=ast.Sub()):
            return [("One sign is wrong", {"op": ast.Add()})]
        case ast.UnaryOp(op=ast.USub()):
            return [("One sign is wrong", {"op": ast.UAdd()})]
        case ast.BinOp(left=a, op=ast.Div(), right=b):
            return [("One quotient is upside down", {"left": b, "right": a})]
        case ast.Constant(value=c):
            others = {2 * c, c / 2, c * c, c + 1, c - 1} - {c}
            return [("One number is wrong", {"value": new}) for new in others]
        case ast.Name(id=("p" | "g") as name):
            return [("p and g are exchanged in one place", {"id": "g" if name == "p" else "p"})]
        case ast.Call(func=ast.Name(id="KL"), args=[a, b]):
            sentence = ("The two arguments of one KL are exchanged: KL(a, b) is the mean of "
                        "log(a/b) under a")
            return [(sentence, {"args": [b, a]})]
        case ast.Subscript(value=ast.Name(id="q"), slice=index):
            bar_or_comma = "," if bar(index)[1] else "|"
            given = syntax(f"{ast.unparse(node)[:-1]}{bar_or_comma}0]").slice
            sentence = "One q lacks a condition: what looks back in time is known given x_0 only"
            return [(sentence, {"slice": given})]
        case ast.Call(func=ast.Name(id="Sum" | "Prod"), args=[x, t, low, high]):
            shift = lambda end, op: ast.BinOp(end, op, ast.Constant(1))
            moved = [args for op in (ast.Sub(), ast.Add())
                     for args in ([x, t, shift(low, op), high], [x, t, low, shift(high, op)])]
            return [("One limit of a Sum is off by one", {"args": args}) for args in moved]
    return []
