"""The value of a line on a small random problem in float64: every sum and every expectation is
enumerated exactly.

Every value is an array with one axis for each random variable, of length 1 where it does not depend
on that variable.
"""

import ast
from functools import reduce

import numpy as np

from course_lib.proofs.expressions import LineError, short
from course_lib.proofs.indices import bar, positions, time_of
from course_lib.proofs.problem import TOLERANCE, Problem, Value

MAX_STEPS, MAX_POWER, MAX_TERMS = 3000, 16, 20
ARITHMETIC = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide,
              ast.Pow: np.power}


def evaluate(tree: ast.expr, problem: Problem, used: dict | None = None,
             steps: int = MAX_STEPS) -> np.ndarray:
    """The value of a line; `used` collects its tables, (name, A, B) -> node. Raises LineError."""
    with np.errstate(all="ignore"):
        return _Run(problem, {} if used is None else used, steps)(tree).array


class _Run:
    def __init__(self, problem: Problem, used: dict, steps: int):
        self.problem, self.used, self.left, self.times = problem, used, steps, {}
        if problem.T is not None:
            self.times["T"] = problem.T

    def __call__(self, node: ast.expr) -> Value:
        self.left, problem = self.left - 1, self.problem
        if self.left < 0:
            raise LineError("it asks for too many sums inside sums")
        match node:
            case ast.Constant(value=number):
                value = self.number(float(number))
            case ast.Name(id=name):
                value = self.name(name)
            case ast.UnaryOp(op=op, operand=operand):
                value = self(operand)
                value = Value(-value.array, value.over) if isinstance(op, ast.USub) else value
            case ast.BinOp(left=left, op=op, right=right):
                value = self.arithmetic(node, self(left), op, self(right))
            case ast.Call(func=ast.Name(id=name), args=args):
                value = getattr(self, f"call_{name}")(*args)
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                over, given = (positions(side, problem.axes, self.times) for side in bar(index))
                value = self.read_table(node, name, over, given)
        if not np.isfinite(value.array).all():
            raise LineError(f"{short(node)} is no finite number on a random problem: is there a "
                            "division by 0, a root of a negative number, or an exp that is too "
                            "large?")
        return value

    def number(self, x: float) -> Value:
        return Value(np.full((1,) * len(self.problem.shape), x))

    def name(self, name: str) -> Value:
        if name in self.times:
            return self.number(self.times[name])
        if name not in self.problem.names:
            raise LineError(f"{name} is an index: it belongs in the brackets of a table, or in "
                            f"Sum(.., {name}, ..)")
        return self.problem.names[name]

    def arithmetic(self, node, a: Value, op: ast.operator, b: Value) -> Value:
        if isinstance(op, ast.Pow) and np.abs(b.array).max() > MAX_POWER:
            raise LineError(f"{short(node)} has an exponent above {MAX_POWER}")
        over = {ast.Div: a.over - b.over, ast.Pow: a.over}.get(type(op), a.over | b.over)
        return Value(ARITHMETIC[type(op)](a.array, b.array), over)

    def read_table(self, node, name: str, over: list[int], given: list[int]) -> Value:
        twice = set(over) & set(given) | {i for i in over if over.count(i) > 1}
        if twice:
            at = "".join(f" at {t} = {n}" for t, n in self.times.items() if t != "T")
            raise LineError(f"{short(node)} names {self.problem.axes[min(twice)]} twice{at}: is a "
                            "limit off by one?")
        key = name, frozenset(over), frozenset(given)
        self.used.setdefault(key, node)
        return Value(self.problem.table(*key), key[1])

    def call_log(self, node) -> Value:
        x = self(node).array
        if (x.real <= 0).any():
            raise LineError(f"log({short(node)}) is the log of {x.real.min():.3g} on a random "
                            "problem")
        return Value(np.log(x))

    def call_exp(self, node) -> Value:
        return Value(np.exp(self(node).array))

    def call_sqrt(self, node) -> Value:
        return Value(np.sqrt(self(node).array))

    def call_sum(self, node) -> Value:
        return Value(self.problem.total(self(node).array, range(len(self.problem.shape))))

    def call_E(self, node) -> Value:
        return Value((self.problem.mean * self(node).array).sum(keepdims=True))

    def call_Sum(self, node, *args) -> Value:
        axes = self.problem.axes
        if all(isinstance(arg, ast.Name) and arg.id in axes for arg in args):
            over = {axes.index(arg.id) for arg in args}
            return Value(self.problem.total(self(node).array, over))
        return self.series(np.add, 0.0, node, *args)

    def call_Prod(self, node, *args) -> Value:
        return self.series(np.multiply, 1.0, node, *args)

    def series(self, operation, start: float, node, *args) -> Value:
        if len(args) != 3 or self.problem.T is None or not isinstance(args[0], ast.Name):
            over = (f"variables: Sum(.., {self.problem.axes[-1]})" if self.problem.T is None
                    else "times: Sum(.., t, 1, T)")
            raise LineError(f"here a sum goes over {over}")
        index, low, high = args[0].id, *(time_of(limit, self.times) for limit in args[1:])
        if index in self.times or index in self.problem.names:
            raise LineError(f"{index} already has a meaning there: take another index")
        if high - low >= MAX_TERMS:
            raise LineError(f"the sum over {index} has {high - low + 1} terms on a chain of "
                            f"{self.problem.T} steps")
        terms = []
        for self.times[index] in range(low, high + 1):
            terms.append(self(node))
        self.times.pop(index, None)
        array = reduce(operation, [term.array for term in terms], self.number(start).array)
        return Value(array, frozenset().union(*(term.over for term in terms)))

    def call_KL(self, *nodes) -> Value:
        a, b = self.distributions("KL", nodes)
        return self.kl(a, b)

    def call_JSD(self, *nodes) -> Value:
        a, b = self.distributions("JSD", nodes[:2])
        w = self(nodes[2]).array if len(nodes) == 3 else 0.5
        m = Value(w * a.array + (1 - w) * b.array, a.over)
        return Value(w * self.kl(a, m).array + (1 - w) * self.kl(b, m).array)

    def kl(self, a: Value, b: Value) -> Value:
        return Value(self.problem.total(a.array * np.log(a.array / b.array), a.over))

    def distributions(self, name: str, nodes) -> list[Value]:
        """The arguments of a divergence: distributions of the same variables, which sum to 1."""
        values = [self(node) for node in nodes]
        over = values[0].over or values[1].over
        for node, value in zip(nodes, values):
            if not over or value.over not in (over, frozenset()):
                raise LineError(f"{name} compares two distributions of the same variable; "
                                f"{short(node)} is not one")
            total = self.problem.total(value.array, over)
            worst = total.flat[np.abs(total - 1).argmax()]
            if self.problem.strict and abs(worst - 1) > TOLERANCE:
                raise LineError(f"{name} compares two distributions, but {short(node)} sums to "
                                f"{worst:.4g}, not to 1")
        return [Value(value.array, over) for value in values]
