"""The gradient of an RBM's log-likelihood in one parameter (Hinton, 2002), over all states.

v and h are whole binary vectors; E[v,h] is the energy and dE[v,h] its derivative in one parameter;
E is linear in it. The derivative of log p(v) is taken numerically, so the value that a line is
compared with is no stored formula.
"""

from dataclasses import replace
from itertools import product

import numpy as np

from course_lib.proofs.derivation import Milestone, Proof
from course_lib.proofs.enumeration import evaluate
from course_lib.proofs.expressions import Language, LineError, parse
from course_lib.proofs.problem import Problem, same_value

VISIBLE, HIDDEN, PROBLEMS = 3, 2, 6
LANGUAGE = Language(names=frozenset({"v", "h"}), tables=frozenset({"E", "dE", "p"}),
                    functions=frozenset({"log", "exp", "Sum"}))
LIKELIHOOD = "log(Sum(exp(-E[v,h]), h)) - log(Sum(exp(-E[v,h]), v, h))"
QUOTIENTS = ("-Sum(exp(-E[v,h])*dE[v,h], h)/Sum(exp(-E[v,h]), h) "
             "+ Sum(exp(-E[v,h])*dE[v,h], v, h)/Sum(exp(-E[v,h]), v, h)")
PHASES = "-Sum(p[h|v]*dE[v,h], h) + Sum(p[v,h]*dE[v,h], v, h)"


def rbm(seed: int) -> Problem:
    """A random RBM, E = -v'Wh - b'v - c'h, and the derivative of E in one of its parameters."""
    rng = np.random.default_rng([11, seed])
    v, h = (np.array(list(product([0.0, 1.0], repeat=n))) for n in (VISIBLE, HIDDEN))
    products = np.einsum("ai,bj->ijab", v, h).reshape(-1, len(v), len(h))
    features = np.concatenate([products, np.repeat(v.T[:, :, None], len(h), 2),
                               np.repeat(h.T[:, None], len(v), 1)])
    E = -np.tensordot(rng.normal(size=len(features)), features, 1)
    return _problem(E, -features[rng.integers(len(features))], np.exp(-E))


def _problem(E: np.ndarray, dE: np.ndarray, weights: np.ndarray, strict: bool = True) -> Problem:
    joint = weights / weights.sum()

    def table(name: str, over: frozenset[int], given: frozenset[int]) -> np.ndarray:
        if name != "p":
            if over != {0, 1} or given:
                raise LineError(f"{name} is written {name}[v,h]")
            return {"E": E, "dE": dE}[name]
        both = joint.sum(tuple({0, 1} - over - given), keepdims=True)
        return both / both.sum(tuple(over), keepdims=True)

    return Problem(("v", "h"), E.shape, {}, table, strict=strict)


def derivative(problem: Problem) -> np.ndarray:
    """d log p(v) / d theta by the complex step along dE."""
    E, dE = (problem.table(name, frozenset({0, 1}), frozenset()) for name in ("E", "dE"))
    moved = replace(problem, table=lambda *_: E + 1e-30j * dE)
    return evaluate(parse(LIKELIHOOD, LANGUAGE), moved).imag / 1e-30


def _form(reference: str, todo: str):
    """The form is compared where p is a random table that has nothing to do with E."""

    def form(line) -> str | None:
        shape = (2**VISIBLE, 2**HIDDEN)
        draw = lambda rng: rng.normal(size=shape)
        problems = [_problem(draw(rng), draw(rng), np.exp(draw(rng)), strict=False)
                    for rng in (np.random.default_rng([13, i]) for i in range(3))]
        trees = line.tree, parse(reference, LANGUAGE)
        try:
            values, expected = ([evaluate(tree, x) for x in problems] for tree in trees)
            return None if same_value(values, expected) else todo
        except LineError:
            return todo

    return form


def likelihood(problem: Problem) -> np.ndarray:
    return evaluate(parse(LIKELIHOOD, LANGUAGE), problem)


MILESTONES = (
    Milestone("log p(v) by the energies", likelihood,
              _form(LIKELIHOOD, "write p through the energies, with the sums over states")),
    Milestone("the derivative as two quotients", derivative,
              _form(QUOTIENTS, "this is not yet the derivative of the energies' form"), worth=0,
              fresh=True),
    Milestone("the derivative as two means of dE", derivative,
              _form(PHASES, "write each quotient as a mean under p")),
)
RBM_GRADIENT = Proof("the gradient of an RBM's log-likelihood", LANGUAGE,
                     lambda: [rbm(i) for i in range(PROBLEMS)], MILESTONES)
