"""The minimax game of GANs (Goodfellow et al., 2014, Section 4.1) as a derivation, for any V that
is a sum over x.

p and g are random on five points, D is an arbitrary table in (0, 1), and any further name in V (a
class prior, a smoothed label) is a random number. Only V is given: the slope is differentiated, the
best D is found as the root of the slope, and the minimum is the value at g = p, all numerically. No
formula that the student is asked for is here.
"""

import ast
from dataclasses import replace

import numpy as np

from course_lib.proofs.derivation import Fact, Line, Milestone, Proof, once_a_seed
from course_lib.proofs.enumeration import evaluate
from course_lib.proofs.expressions import Language, parse
from course_lib.proofs.problem import Problem, Value

POINTS, PROBLEMS = 5, 6
DIVERGENCES = {"KL", "JSD"}
FUNCTIONS = frozenset({"log", "exp", "sqrt", "sum", *DIVERGENCES})
STEPS = ("value", "slope", "best D", "value at the best D", "divergences", "minimum")


def minimax(value: str = "sum(p*log(D) + g*log(1-D))", graded: tuple[str, ...] = STEPS,
            seed: int = 0) -> Proof:
    """min over g of max over D of V: `value` is V in the language of proofs, `graded` the steps
    that earn a point each.

    V is concave in each D(x), with its maximum inside (0, 1). Steps that are not graded are
    recognised without points.
    """
    nodes = ast.walk(ast.parse(value, mode="eval"))
    free = {node.id for node in nodes if isinstance(node, ast.Name)} - FUNCTIONS
    numbers = sorted(free - {"p", "g", "D"})
    language = Language(frozenset(free | {"p", "g", "D"}), FUNCTIONS)
    V = parse(value, language)
    if not (isinstance(V, ast.Call) and V.func.id == "sum"):
        raise ValueError(f"the value of a game is written sum(...), here is {value!r}")
    unknown = set(graded) - set(STEPS)
    if unknown:
        raise ValueError(f"graded names {sorted(unknown)}; the steps are {', '.join(STEPS)}")

    def problems() -> list[Problem]:
        return [_problem(np.random.default_rng([seed, i]), numbers) for i in range(PROBLEMS)]

    def extremes() -> list[Problem]:
        found = _extremes(np.random.default_rng([seed, PROBLEMS]), numbers)
        best = np.split(best_D(V, _side_by_side(found)), len(found))
        return found + [_with(problem, D=D) for problem, D in zip(found, best)]

    at_best = lambda problem: evaluate(V, _with(problem, D=best_D(V, problem)))
    steps = (
        ("value", "the value V of the game", lambda problem: evaluate(V, problem), _any_form),
        ("slope", "the derivative of V in D(x)", lambda problem: slope_in_D(V, problem), _has_D),
        ("best D", "the best D(x)", lambda problem: best_D(V, problem), _no_D),
        ("value at the best D", "the value at the best D, as a sum", at_best, _as_sum),
        ("divergences", "the value at the best D, in divergences", at_best, _as_divergences),
        ("minimum", "the smallest value over all g",
         lambda problem: at_best(_with(problem, g=problem.names["p"].array)), _as_number),
    )
    milestones = tuple(Milestone(name, reference, form, int(key in graded),
                                 fresh=key != "divergences", aside=key in ("slope", "best D"))
                       for key, name, reference, form in steps)
    return Proof("the minimax game", language, problems, milestones, facts=_facts(V),
                 make_extremes=extremes)


def _facts(V: ast.expr) -> tuple[Fact, ...]:
    """What is true of the game and on the way to one of its steps."""
    summand = lambda problem: evaluate(V.args[0], problem)
    at = lambda problem: _with(problem, D=best_D(V, problem))
    D = lambda problem: problem.names["D"].array
    numerator = lambda problem: slope_in_D(V, problem) * D(problem) * (1 - D(problem))
    return (
        Fact("what V sums, at one x (it still depends on x: the step asks for a sum)", summand,
             "the value V of the game"),
        Fact("what is summed at the best D, at one x (it still depends on x: the step asks for a "
             "sum)", lambda problem: summand(at(problem)), "the value at the best D"),
        Fact("the numerator of the derivative, which is 0 at the best D", numerator,
             "the best D(x)"),
        Fact("minus the numerator of the derivative, which is 0 at the best D",
             lambda problem: -numerator(problem), "the best D(x)"),
        Fact("0, the derivative at the best D", lambda problem: np.zeros(1), "the best D(x)"),
        Fact("one minus the best D(x)", lambda problem: 1 - best_D(V, problem),
             "the value at the best D"),
        Fact("D/(1-D) at the best D", lambda problem: D(at(problem)) / (1 - D(at(problem))),
             "the best D(x)"),
        Fact("the second derivative of V in D(x), which is negative",
             lambda problem: curvature_in_D(V, problem), "the best D(x)"),
    )


@once_a_seed
def minimax_with_prior(seed: int = 0) -> Proof:
    """A picture is real with probability pi: V = pi E_p[log D] + (1 - pi) E_g[log(1 - D)]."""
    return minimax("sum(pi*p*log(D) + (1-pi)*g*log(1-D))", seed=seed)


@once_a_seed
def minimax_with_smoothing(seed: int = 0) -> Proof:
    """A real picture has label a: V = E_p[a log D + (1 - a) log(1 - D)] + E_g[log(1 - D)]."""
    return minimax("sum(p*(a*log(D) + (1-a)*log(1-D)) + g*log(1-D))", seed=seed)


def _problem(rng: np.random.Generator, numbers: list[str]) -> Problem:
    p, g = (np.exp(rng.normal(size=POINTS)) for _ in range(2))
    names = {"p": Value(p / p.sum(), frozenset({0})), "g": Value(g / g.sum(), frozenset({0})),
             "D": Value(rng.uniform(0.05, 0.95, POINTS)),
             **{name: Value(rng.uniform(0.15, 0.85, 1)) for name in numbers}}
    return Problem(("x",), (POINTS,), names)


def _extremes(rng: np.random.Generator, numbers: list[str]) -> list[Problem]:
    """Games where p is g, nearly g, or has nothing in common with it; where D is nearly 0, nearly
    1, nearly right or nearly wrong; and where numbers such as a prior are near 0, ½, 1."""
    ordinary = _problem(rng, numbers)
    p, D = ordinary.names["p"].array, ordinary.names["D"].array
    left, point = np.array([0.4, 0.6, 0, 0, 0]), np.array([0, 0, 1.0, 0, 0])
    thin = lambda table: (table + 1e-9) / (table + 1e-9).sum()
    near = p * np.exp(0.2 * rng.normal(size=POINTS))
    pairs = [(p, p), (p, near / near.sum()), (thin(left), thin(left[::-1])), (thin(point), p),
             (p, thin(point)), (thin(point), thin(point))]
    low, high = np.full(POINTS, 1e-300), np.full(POINTS, 1 - 2.0**-52)
    games = [{"p": p, "g": g, "D": table} for p, g in pairs
             for table in (D, np.where(p > g, high, low), np.where(p > g, low, high))]
    games += [{"p": pairs[1][0], "g": pairs[1][1], "D": table} for table in (low, high)]
    return [_with(ordinary, **game, **{name: np.array([x]) for name in numbers})
            for game in games for x in (1e-6, 0.03, 0.5, 0.97, 1 - 1e-6)]


def _with(problem: Problem, **arrays: np.ndarray) -> Problem:
    changed = {name: replace(problem.names[name], array=array) for name, array in arrays.items()}
    return replace(problem, names=problem.names | changed)


def _side_by_side(problems: list[Problem]) -> Problem:
    """One problem with the points of all; a number is a table then. Only what V sums is meant on
    it, at each x, and no sum."""
    tables = {name: np.concatenate([np.broadcast_to(problem.names[name].array, POINTS)
                                    for problem in problems]) for name in problems[0].names}
    whole = replace(problems[0], shape=(POINTS * len(problems),))
    return _with(whole, **tables)


def slope_in_D(V: ast.expr, problem: Problem) -> np.ndarray:
    """dV/dD(x) at the problem's D: the derivative of what V sums, by the complex step."""
    summand = V.args[0]
    return evaluate(summand, _with(problem, D=problem.names["D"].array + 1e-30j)).imag / 1e-30


def curvature_in_D(V: ast.expr, problem: Problem) -> np.ndarray:
    """d²V/dD(x)² at the problem's D, by Cauchy's integral over a circle around it."""
    D, n = problem.names["D"].array, 64
    around = 0.5 * np.minimum(D, 1 - D) * np.exp(2j * np.pi * np.arange(n)[:, None] / n)
    values = [evaluate(V.args[0], _with(problem, D=D + step)) / step**2 for step in around]
    return 2 * np.mean(values, 0).real


def best_D(V: ast.expr, problem: Problem) -> np.ndarray:
    """The D that maximises V, by bisection on its slope at each point; to the last bit or so."""
    low, high = np.zeros(problem.shape), np.ones(problem.shape)
    for _ in range(54):
        middle = (low + high) / 2
        rising = slope_in_D(V, _with(problem, D=middle)) > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    if (low == 0).any() or (high == 1).any():
        raise ValueError("this V has no maximum in D inside (0, 1)")
    return (low + high) / 2


def _names(node: ast.AST, outside: bool = False) -> set[str]:
    """The names in a line; `outside`: only those outside every KL and JSD."""
    if isinstance(node, ast.Call) and node.func.id in DIVERGENCES and outside:
        return set()
    if isinstance(node, ast.Name):
        return {node.id}
    return set().union(*(_names(part, outside) for part in ast.iter_child_nodes(node)))


def _names_called(tree: ast.expr) -> set[str]:
    return {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call)}


def _any_form(line: Line) -> None:
    return None


def _has_D(line: Line) -> str | None:
    return None if "D" in _names(line.tree) else "D is not in it"


def _no_D(line: Line) -> str | None:
    return "D is still in it: put the best D in its place" if "D" in _names(line.tree) else None


def _as_sum(line: Line) -> str | None:
    whole = not DIVERGENCES & _names_called(line.tree)
    return _no_D(line) or (None if whole else "it is not a sum over x only: KL and JSD come later")


def _as_divergences(line: Line) -> str | None:
    outside = {"p", "g"} & _names(line.tree, outside=True)
    if _no_D(line) or outside:
        names = " and ".join(sorted(outside))
        return _no_D(line) or f"{names} must stand only inside KL(..) or JSD(..)"
    return None if DIVERGENCES & _names_called(line.tree) else "there is no KL(..) or JSD(..) in it"


def _as_number(line: Line) -> str | None:
    left = {"p", "g", "D"} & _names(line.tree)
    return f"simplify it, so that it holds no {' and no '.join(sorted(left))}" if left else None


MINIMAX = minimax(graded=("value", "best D", "value at the best D", "divergences"))
