"""The gradient of an RBM's log-likelihood in one parameter (Hinton, 2002), over all states; and of
a machine that is told a label y (Larochelle & Bengio, 2008), of log p(v | y).

v and h are whole binary vectors, y is one of three classes; E[v,h] or E[v,y,h] is the energy and dE
its derivative in one parameter; E is linear in it. The derivative of the log-likelihood is taken
numerically, and a form is compared by numbers on random tables, so no file that students get holds
a line of the derivation.
"""

import ast
from functools import cache
from itertools import product

import numpy as np

from course_lib.proofs.derivation import Fact, Milestone, Proof, once_a_seed
from course_lib.proofs.enumeration import evaluate
from course_lib.proofs.expressions import Language, LineError
from course_lib.proofs.problem import Problem, same_value

VISIBLE, CLASSES, HIDDEN, PROBLEMS = 3, 3, 2, 6
AXES, LABELLED_AXES = ("v", "h"), ("v", "y", "h")
SHAPE = {"v": 2**VISIBLE, "y": CLASSES, "h": 2**HIDDEN}
FORM_SEED, FORM_PROBLEMS = 13, 3
# What each form is worth on the tables of `form_problem`, weighted and summed up. The forms
# themselves are known to tests/rbm_lines.py only, which makes these numbers again.
FORMS = {
    ("energies", 2): (0.7980096236818719, 7.994258006843661, 17.56745514182735),
    ("quotients", 2): (-0.17449858086045134, 4.9657602563824685, 1.4751641661892911),
    ("means", 2): (-2.1193718728402917, -0.2112963585703631, -0.05407131908958762),
    ("energies", 3): (-26.968115032265572, 11.865148540196163, -7.408681716529962),
    ("quotients", 3): (-3.9284722635702263, 2.182057898783172, 2.865654961706127),
    ("means", 3): (-6.108549768787025, -1.6844350251017728, 3.6401410751801895),
}


def language(axes: tuple[str, ...]) -> Language:
    return Language(names=frozenset(axes), tables=frozenset({"E", "dE", "p"}),
                    functions=frozenset({"log", "exp", "Sum"}))


def rbm(seed: int, axes: tuple[str, ...] = AXES) -> Problem:
    """A random RBM, E = -v'Wh - b'v - c'h, for a label also -d_y - h'U_y, and the derivative of E
    in one of its parameters."""
    rng = np.random.default_rng([11, seed])
    states = {"v": np.array(list(product([0.0, 1.0], repeat=VISIBLE))), "y": np.eye(CLASSES),
              "h": np.array(list(product([0.0, 1.0], repeat=HIDDEN)))}
    on = lambda x, axis: x.reshape([-1 if name == axis else 1 for name in axes])
    single = {axis: [on(x, axis) for x in states[axis].T] for axis in axes}
    pairs = [(axis, "h") for axis in axes if axis != "h"]
    features = [a * b for first, second in pairs for a in single[first] for b in single[second]]
    features += [x for axis in axes for x in single[axis]]
    full = np.array([np.broadcast_to(x, [SHAPE[axis] for axis in axes]) for x in features])
    E = -np.tensordot(rng.normal(size=len(full)), full, 1)
    return _problem(axes, E, -full[rng.integers(len(full))], np.exp(-E))


def _problem(axes: tuple[str, ...], E: np.ndarray, dE: np.ndarray, weights: np.ndarray,
             strict: bool = True) -> Problem:
    joint, every = weights / weights.sum(), set(range(len(axes)))

    def table(name: str, over: frozenset[int], given: frozenset[int]) -> np.ndarray:
        if name != "p":
            if over != every or given:
                raise LineError(f"{name} is written {name}[{','.join(axes)}]")
            return {"E": E, "dE": dE}[name]
        both = joint.sum(tuple(every - over - given), keepdims=True)
        return both / both.sum(tuple(over), keepdims=True)

    return Problem(axes, E.shape, {}, table, strict=strict)


@cache
def form_problem(axes: tuple[str, ...], i: int) -> tuple[Problem, np.ndarray]:
    """p is a random table that has nothing to do with E; and a weight for each state."""
    rng = np.random.RandomState([FORM_SEED, len(axes), i])     # the same in every NumPy version
    E, dE, log_p, weight = rng.normal(size=(4, *(SHAPE[axis] for axis in axes)))
    return _problem(axes, E, dE, np.exp(log_p), strict=False), weight


def weighed(tree, axes: tuple[str, ...]) -> list[np.ndarray]:
    """A line's value on each of the form's problems, weighted and summed up to one number."""
    found = []
    for problem, weight in (form_problem(axes, i) for i in range(FORM_PROBLEMS)):
        found.append(np.array((evaluate(tree, problem) * weight).sum()))
    return found


def divided_by_sums(tree: ast.expr) -> int:
    """How many quotients have a sum over states below."""
    def below(node) -> list:
        match node:
            case ast.BinOp(op=ast.Div(), right=right):
                return [right]
            case ast.BinOp(op=ast.Pow(), left=left):
                return [left]
        return []

    is_sum = lambda node: isinstance(node, ast.Call) and node.func.id == "Sum"
    return sum(any(map(is_sum, ast.walk(low))) for node in ast.walk(tree) for low in below(node))


def _form(name: str, axes: tuple[str, ...], todo: str):
    def has(name: str, line) -> bool:
        try:
            values = weighed(line.tree, axes)
        except LineError:
            return False
        return same_value(values, [np.array(value) for value in FORMS[name, len(axes)]])

    def form(line) -> str | None:
        quotients = divided_by_sums(line.tree)
        if name == "means" and quotients and has(name, line):
            return todo + ": here a sum is still divided by a sum"
        # Weights may be called p[v,y,h], which is their share of all.
        plain = not any(given for table, _, given in line.used if table == "p")
        by_shares = name == "quotients" and quotients > 1 and plain and has("means", line)
        return None if by_shares or has(name, line) else todo

    return form


def _phases(E: np.ndarray) -> list[np.ndarray]:
    """The two logarithms of the likelihood, over h and over v and h."""
    weights = np.exp(-E)
    return [np.log(weights.sum(over, keepdims=True)) for over in ((-1,), (0, -1))]


def _slopes(problem: Problem) -> list[np.ndarray]:
    """The derivatives of the two logarithms, by the complex step along dE."""
    every = frozenset(range(len(problem.axes)))
    E, dE = (problem.table(name, every, frozenset()) for name in ("E", "dE"))
    return [part.imag / 1e-30 for part in _phases(E + 1e-30j * dE)]


def likelihood(problem: Problem) -> np.ndarray:
    """log p(v), or log p(v | y), in nats."""
    every = frozenset(range(len(problem.axes)))
    clamped, free = _phases(problem.table("E", every, frozenset()))
    return clamped - free


def derivative(problem: Problem) -> np.ndarray:
    """Its derivative in the parameter."""
    clamped, free = _slopes(problem)
    return clamped - free


def _milestones(axes: tuple[str, ...], worth: int) -> tuple[Milestone, ...]:
    """worth: of the two quotients."""
    which = "log p(v | y)" if "y" in axes else "log p(v)"
    return (
        Milestone(f"{which} by the energies", likelihood,
                  _form("energies", axes, "write p through the energies, with the sums over "
                                          "states")),
        Milestone("the derivative as two quotients", derivative,
                  _form("quotients", axes, "this is not yet the derivative of the energies' form"),
                  worth=worth, fresh=True),
        Milestone("the derivative as two means of dE", derivative,
                  _form("means", axes, "write each quotient as a mean under p")),
    )


def _fact(name: str, i: int, sign: int) -> Fact:
    return Fact(name, lambda problem: sign * _slopes(problem)[i], "the derivative as two quotients")


FACTS = (_fact("the derivative of the first logarithm alone", 0, 1),
         _fact("the derivative of the second logarithm alone", 1, 1),
         _fact("what the second logarithm adds to the derivative, alone", 1, -1))
RBM_GRADIENT = Proof("the gradient of an RBM's log-likelihood", language(AXES),
                     lambda: [rbm(i) for i in range(PROBLEMS)], _milestones(AXES, 0))


@once_a_seed
def labelled(seed: int = 0) -> Proof:
    """The gradient of log p(v | y), on other machines for another seed."""
    problems = range(PROBLEMS * seed, PROBLEMS * (seed + 1))
    return Proof("the gradient of log p(v | y)", language(LABELLED_AXES),
                 lambda: [rbm(i, LABELLED_AXES) for i in problems],
                 _milestones(LABELLED_AXES, 1), facts=FACTS)


RBM_LABELLED = labelled()
