"""The variational bound of a diffusion model rewritten in KL divergences (Ho et al., 2020, Section 2 and Appendix A).

The chains have three states and T = 2, 3, 4 inhomogeneous steps near the identity. E(..) is the mean under q(x_0:T).
A form is compared where the tables are independent random distributions, so that Bayes' rule and marginals fail there;
what holds in any Markov chain (only the nearest conditions on either side count) holds there too.
"""

from functools import cache, reduce
from itertools import pairwise

import numpy as np

from course_lib.checks.derivation import Line, Milestone, Proof
from course_lib.checks.enumeration import evaluate
from course_lib.checks.expressions import Language, LineError, parse, short
from course_lib.checks.problem import Problem, same_value

STATES, LENGTHS = 3, (2, 3, 4, 2, 3, 4)
LANGUAGE = Language(names=frozenset({"t", "s", "k", "T"}), tables=frozenset({"p", "q"}),
                    functions=frozenset({"log", "exp", "E", "Sum", "Prod", "KL"}))
LIKELIHOOD = "E(-log(p[0]))"
WITH_GAP = "E(-log(p[0:T] / q[1:T|0]) - KL(q[1:T|0], p[1:T|0]))"
GAP = "E(KL(q[1:T|0], p[1:T|0]))"
BOUND = "E(-log(p[0:T] / q[1:T|0]))"
STEPWISE = "E(-log(p[T]) - Sum(log(p[t-1|t] / q[t|t-1]), t, 1, T))"
HALFWAY = ("E(-log(p[T]) - Sum(log(p[t-1|t]), t, 1, T) + log(q[1:T|0]))",
           "E(-log(p[0:T]) + Sum(log(q[t|t-1]), t, 1, T))")
POSTERIORS = "E(-log(p[T]/q[T|0]) - Sum(log(p[t-1|t] / q[t-1|t,0]), t, 2, T) - log(p[0|1]))"
DIVERGENCES = "E(KL(q[T|0], p[T]) + Sum(KL(q[t-1|t,0], p[t-1|t]), t, 2, T) - log(p[0|1]))"


def _on(array: np.ndarray, T: int, *axes: int) -> np.ndarray:
    """A table over some of x_0 .. x_T, given in the order of `axes`, as an array over all of them."""
    order = np.argsort(axes)
    return array.transpose(order).reshape([STATES if i in axes else 1 for i in range(T + 1)])


def _joint(rng: np.random.Generator, T: int, times: list[int]) -> np.ndarray:
    """A random Markov chain along `times`, its kernels near the identity, as a table over all times."""
    start = np.exp(rng.normal(size=STATES))
    parts = [_on(start / start.sum(), T, times[0])]
    for a, b in pairwise(times):
        kernel = np.exp(rng.normal(size=(STATES, STATES)))
        weight = rng.uniform(0.15, 0.35)
        kernel = (1 - weight) * np.eye(STATES) + weight * kernel / kernel.sum(1, keepdims=True)
        parts.append(_on(kernel, T, a, b))
    return reduce(np.multiply, parts)


def chain(seed: int, T: int) -> Problem:
    """A random forward chain q and a random reverse chain p, with every conditional of them."""
    rng = np.random.default_rng([seed, T])
    joint = {"q": _joint(rng, T, list(range(T + 1))), "p": _joint(rng, T, list(range(T, -1, -1)))}

    @cache
    def table(name: str, over: frozenset[int], given: frozenset[int]) -> np.ndarray:
        rest = set(range(T + 1)) - over - given
        both = joint[name].sum(tuple(rest), keepdims=True)
        return both / both.sum(tuple(over), keepdims=True)

    return Problem(_axes(T), (STATES,) * (T + 1), {}, table, joint["q"], T)


def neighbours(name: str, t: int, run: list[int], below: int | None, above: int | None) -> frozenset[int]:
    """What x_t is given in the product of single steps along `run`: the step after where time runs back."""
    if name == "p" or above is not None:
        near = {below, t + 1 if t < run[-1] else above}
    else:
        near = {t - 1 if t > run[0] else below}
    return frozenset(near - {None})


@cache
def form_chain(seed: int, T: int, split: bool) -> Problem:
    """Independent random tables under the names of p and q; `split`: joints along a chain are products of its steps."""

    @cache
    def table(name: str, over: frozenset[int], given: frozenset[int]) -> np.ndarray:
        if not over:
            return np.ones((1,) * (T + 1))
        below = max((t for t in given if t < min(over)), default=None)
        above = min((t for t in given if t > max(over)), default=None)
        run = sorted(over)
        if run == list(range(run[0], run[-1] + 1)):
            given = frozenset({below, above} - {None})
            if split and len(run) > 1 and not (name == "p" and below is not None):
                steps = (table(name, frozenset({t}), neighbours(name, t, run, below, above)) for t in run)
                return reduce(np.multiply, steps)
        bits = [sum(1 << t for t in times) for times in (over, given)]
        rng = np.random.default_rng([seed, T, ord(name), *bits])
        array = np.exp(rng.normal(size=[STATES if i in over | given else 1 for i in range(T + 1)]))
        return array / array.sum(tuple(over), keepdims=True)

    mean = table("q", frozenset(range(T + 1)), frozenset())
    return Problem(_axes(T), (STATES,) * (T + 1), {}, table, mean, T, strict=False)


def _axes(T: int) -> tuple[str, ...]:
    return tuple(f"x_{t}" for t in range(T + 1))


def _same_form(tree, reference: str, split: bool) -> bool:
    problems = [form_chain(7, T, split) for T in (2, 3, 4)]
    wanted = parse(reference, LANGUAGE)
    try:
        return same_value(*([evaluate(each, problem) for problem in problems] for each in (tree, wanted)))
    except LineError:
        return False


def _step(name: str, reference: str, todo: str, worth: int = 1, split: bool = False, gap: bool = False,
          halfway: tuple[str, ...] = ()) -> Milestone:
    """`halfway` are other forms that count as well."""
    tree = parse(reference, LANGUAGE)
    form = lambda line: None if any(_same_form(line.tree, each, split) for each in (reference, *halfway)) else todo
    if not gap:
        return Milestone(name, lambda problem: evaluate(tree, problem), form, worth)
    gap_tree = parse(GAP, LANGUAGE)
    return Milestone(name, lambda problem: evaluate(tree, problem), form, worth,
                     lambda problem: evaluate(gap_tree, problem), lambda tree: _same_form(tree, GAP, split))


def intractable(line: Line) -> str | None:
    """The first table of a true line that nobody can compute, and why."""
    for (name, over, given), node in line.used.items():
        below = bool(over) and any(t < min(over) for t in given)
        if name == "q" and over and not below:
            return f"true, but intractable: {short(node)} needs the data distribution, unless x_0 is given"
        if name == "p" and below:
            return f"true, but intractable: {short(node)} is the model's own posterior, which needs its marginals"
    return None


def _steps(worth: int) -> tuple[Milestone, ...]:
    """From the likelihood to the divergences; the steps up to Jensen's inequality are worth `worth`."""
    return (
        _step("the negative log-likelihood", LIKELIHOOD, "it is not the negative log-likelihood as such", worth),
        _step("the bound less its gap", WITH_GAP, "write it as the bound less one KL, the gap of Jensen's inequality",
              worth),
        _step("the variational bound", BOUND, "it has the bound's value, but not the form of a step", gap=bool(worth)),
        _step("the bound step by step", STEPWISE,
              "write the joints as products over single steps: transitions of p and of q", halfway=HALFWAY),
        _step("the bound with q's posteriors", POSTERIORS,
              "turn q's steps round by Bayes' rule given x_0, and cancel what telescopes", split=True),
        _step("the bound in KL divergences", DIVERGENCES,
              "write each log-ratio of q and p as a KL, inside E", split=True),
    )


def _problems() -> list[Problem]:
    return [chain(seed, T) for seed, T in enumerate(LENGTHS)]


VLB = Proof("the variational bound in KL divergences", LANGUAGE, _problems, _steps(0), intractable)
VLB_FROM_LIKELIHOOD = Proof("the bound and its KL divergences", LANGUAGE, _problems, _steps(1), intractable)
