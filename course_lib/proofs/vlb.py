"""The variational bound of a diffusion model rewritten in KL divergences (Ho et al., 2020,
Section 2 and Appendix A), for a forward process with a memory: each of its steps may depend on all
that came before, as in DDIM. The model's chain has none.

There are three states and T = 2, 3, 4 inhomogeneous steps near the identity. E(..) is the
mean under q(x_0:T). The values that lines are compared with come from the tables of a chain alone;
no line of the derivation is here. A form is compared where the tables are independent random
distributions, so that Bayes' rule and marginals fail there; what holds in any Markov chain p (only
the nearest conditions on either side count) holds there too.
"""

from functools import cache, reduce
from itertools import pairwise

import numpy as np

from course_lib.proofs.derivation import Fact, Line, Milestone, Proof, once_a_seed
from course_lib.proofs.enumeration import evaluate
from course_lib.proofs.expressions import Language, LineError, short
from course_lib.proofs.problem import Problem, same_value

STATES, LENGTHS = 3, (2, 3, 4, 2, 3, 4)
FORM_SEED, FORM_LENGTHS = 7, (2, 3, 4)
LANGUAGE = Language(names=frozenset({"t", "s", "k", "T"}), tables=frozenset({"p", "q"}),
                    functions=frozenset({"log", "exp", "E", "Sum", "Prod", "KL"}))
# What each step's form is worth where p and q are independent random tables, for T = 2, 3, 4 (see
# form_chain). The forms themselves are known to tests/vlb_lines.py only, which makes these numbers
# again: python tests/vlb_lines.py
FORMS = {
    "likelihood": (1.2514544902895068, 1.3348367717587424, 1.2387844302529276),
    "with gap": (0.39911268060906846, 0.7239163644886233, 0.2755226343097472),
    "gap": (1.002431187584255, 1.0275340770528703, 0.8935862366585599),
    "bound": (1.4015438681933239, 1.7514504415414935, 1.169108870968307),
    "stepwise": (1.0535576500953387, 1.4043466308259096, 1.1891063772081605),
    "posteriors": (1.1894344609036023, 0.4653951157722661, 1.6928249555302268),
    "divergences": (1.8576740174270334, 2.9701331873210486, 3.4403576293047125),
}


def _on(array: np.ndarray, T: int, *axes: int) -> np.ndarray:
    """A table over some of x_0 .. x_T, in the order of `axes`, as an array over all of them."""
    order = np.argsort(axes)
    return array.transpose(order).reshape([STATES if i in axes else 1 for i in range(T + 1)])


def _joint(rng: np.random.Generator, T: int, times: list[int]) -> np.ndarray:
    """A random Markov chain along `times`, kernels near the identity, as a table over all times."""
    start = np.exp(rng.normal(size=STATES))
    parts = [_on(start / start.sum(), T, times[0])]
    for a, b in pairwise(times):
        kernel = np.exp(rng.normal(size=(STATES, STATES)))
        weight = rng.uniform(0.15, 0.35)
        kernel = (1 - weight) * np.eye(STATES) + weight * kernel / kernel.sum(1, keepdims=True)
        parts.append(_on(kernel, T, a, b))
    return reduce(np.multiply, parts)


def _with_memory(rng: np.random.Generator, T: int) -> np.ndarray:
    """A random process x_0 .. x_T where each step depends on all that came before."""
    joint = np.exp(rng.normal(size=STATES))
    joint = (joint / joint.sum()).reshape([STATES] + [1] * T)
    for t in range(1, T + 1):
        step = np.exp(rng.normal(size=[STATES] * (t + 1) + [1] * (T - t)))
        weight = rng.uniform(0.4, 0.6)
        near = _on(np.eye(STATES), T, t - 1, t)
        joint = joint * ((1 - weight) * near + weight * step / step.sum(t, keepdims=True))
    return joint


def chain(seed: int, T: int) -> Problem:
    """A random forward process q and a random reverse chain p, with every conditional of them."""
    rng = np.random.default_rng([seed, T])
    return _problem({"q": _with_memory(rng, T), "p": _joint(rng, T, list(range(T, -1, -1)))}, T)


def _problem(joint: dict[str, np.ndarray], T: int) -> Problem:
    """A forward process and a reverse chain, as joint tables, with every conditional of them."""

    @cache
    def table(name: str, over: frozenset[int], given: frozenset[int]) -> np.ndarray:
        others = set(range(T + 1)) - over - given
        both = joint[name].sum(tuple(others), keepdims=True)
        return both / both.sum(tuple(over), keepdims=True)

    return Problem(_axes(T), (STATES,) * (T + 1), {}, table, joint["q"], T)


def extremes() -> list[Problem]:
    """Chains whose kernels are almost the identity, nearly deterministic, or quickly mixing; p is
    q's own way back, or far from it."""
    found = []
    for T in (2, 3):
        rng = np.random.default_rng([FORM_SEED, T])
        times = list(range(T + 1))
        for noise in (1e-40, 1e-4, 0.5):
            shift = np.roll(np.eye(STATES), 1, 1)
            mixed = np.exp(rng.normal(size=(STATES, STATES)))
            mixed /= mixed.sum(1, keepdims=True)
            for start in (np.array([1 / STATES] * STATES), np.array([1 - 2e-9, 1e-9, 1e-9])):
                for forward, back in ((np.eye(STATES),) * 2, (np.eye(STATES), shift),
                                      (shift, np.eye(STATES))):
                    kernels = [(1 - noise) * kernel + noise * mixed for kernel in (forward, back)]
                    q = _along(times, start, kernels[0], T)
                    found += [_problem({"q": q, "p": p}, T)
                              for p in (q, _along(times[::-1], start, kernels[1], T),
                                        _along(times[::-1], start[::-1], kernels[1], T))]
    return found


def _along(times: list[int], start: np.ndarray, kernel: np.ndarray, T: int) -> np.ndarray:
    """The joint of a Markov chain along `times`."""
    parts = [_on(start, T, times[0]), *(_on(kernel, T, a, b) for a, b in pairwise(times))]
    return reduce(np.multiply, parts)


@cache
def form_chain(seed: int, T: int, split: bool) -> Problem:
    """Independent random tables under the names of p and q; `split`: p's joints are products of
    its steps back."""

    @cache
    def table(name: str, over: frozenset[int], given: frozenset[int]) -> np.ndarray:
        if not over:
            return np.ones((1,) * (T + 1))
        below = max((t for t in given if t < min(over)), default=None)
        above = min((t for t in given if t > max(over)), default=None)
        run = sorted(over)
        if name == "p" and run == list(range(run[0], run[-1] + 1)):
            given = frozenset({below, above} - {None})
            if split and len(run) > 1 and below is None:
                later = {run[-1]: given}
                steps = (table(name, frozenset({t}), later.get(t, frozenset({t + 1})))
                         for t in run)
                return reduce(np.multiply, steps)
        bits = [sum(1 << t for t in times) for times in (over, given)]
        rng = np.random.RandomState([seed, T, ord(name), *bits])   # the same in every NumPy version
        array = np.exp(rng.normal(size=[STATES if i in over | given else 1 for i in range(T + 1)]))
        return array / array.sum(tuple(over), keepdims=True)

    mean = table("q", frozenset(range(T + 1)), frozenset())
    return Problem(_axes(T), (STATES,) * (T + 1), {}, table, mean, T, strict=False)


def _axes(T: int) -> tuple[str, ...]:
    return tuple(f"x_{t}" for t in range(T + 1))


def _same_form(tree, names: tuple[str, ...], split: bool) -> bool:
    """Whether a line has one of these forms."""
    try:
        values = [evaluate(tree, form_chain(FORM_SEED, T, split)) for T in FORM_LENGTHS]
    except LineError:
        return False
    return any(same_value(values, [np.array(value) for value in FORMS[name]]) for name in names)


def likelihood(problem: Problem) -> np.ndarray:
    """The mean under q of −log p(x_0), in nats; a value has an axis of length 1 for each time."""
    p, q = (problem.table(name, frozenset({0}), frozenset()) for name in "pq")
    return -(q * np.log(p)).sum(keepdims=True)


def bound(problem: Problem) -> np.ndarray:
    """The divergence of the joint q from the joint p, plus the entropy of q(x_0), in nats."""
    p, q = (problem.table(name, frozenset(range(problem.T + 1)), frozenset()) for name in "pq")
    data = problem.table("q", frozenset({0}), frozenset())
    return (q * np.log(q / p)).sum(keepdims=True) - (data * np.log(data)).sum(keepdims=True)


def dropped(problem: Problem) -> np.ndarray:
    return bound(problem) - likelihood(problem)


def half_done(line: Line) -> str | None:
    """What is left of q's joints where every step shall have its posterior."""
    T, used = FORM_LENGTHS[-1], {}
    evaluate(line.tree, form_chain(FORM_SEED, T, True), used)
    for (name, over, given), node in used.items():
        if name == "q" and len(over) > 1:
            return f"{short(node)} is one probability for many steps: each t has its own posterior"
        if name == "q" and over != {T} and given == {0}:
            return f"{short(node)} is left of what telescopes: cancel it"
    return None


def _step(name: str, value, forms: tuple[str, ...], todo: str, worth: int = 1, split: bool = False,
          gap: bool = False) -> Milestone:
    """`forms` are the names of those that count; `split`: joints may be written as products."""

    def form(line: Line) -> str | None:
        if not _same_form(line.tree, forms, split):
            return todo
        return half_done(line) if split else None

    if not gap:
        return Milestone(name, value, form, worth)
    gap_form = lambda tree: _same_form(tree, ("gap",), split)
    return Milestone(name, value, form, worth, dropped, gap_form)


def intractable(line: Line) -> str | None:
    """The first table of a true line that nobody can compute, and why."""
    for (name, over, given), node in line.used.items():
        below = bool(over) and any(t < min(over) for t in given)
        if name == "q" and over and not below:
            return (f"true, but intractable: {short(node)} needs the data distribution, unless x_0 "
                    "is given")
        if name == "p" and below:
            return (f"true, but intractable: {short(node)} is the model's own posterior, which "
                    "needs its marginals")
    return None


def _steps(worth: int) -> tuple[Milestone, ...]:
    """From the likelihood to the divergences; steps up to Jensen's inequality are worth `worth`."""
    return (
        _step("the negative log-likelihood", likelihood, ("likelihood",),
              "it is not the negative log-likelihood as such", worth),
        _step("the bound less its gap", likelihood, ("with gap",),
              "write it as the bound less one KL, the gap of Jensen's inequality", worth),
        _step("the variational bound", bound, ("bound",),
              "it has the bound's value, but not the form of a step", gap=bool(worth)),
        _step("the bound step by step", bound, ("stepwise",),
              "write both joints, p's and q's, as products over single steps"),
        _step("the bound with q's posteriors", bound, ("posteriors",),
              "turn q's steps round: one posterior for each t, given x_0 and all that q's memory "
              "asks for",
              split=True),
        _step("the bound in KL divergences", bound, ("divergences",),
              "write each log-ratio of q and p as a KL, inside E", split=True),
    )


def _problems(seed: int = 0) -> list[Problem]:
    return [chain(len(LENGTHS) * seed + i, T) for i, T in enumerate(LENGTHS)]


@once_a_seed
def from_likelihood(seed: int = 0) -> Proof:
    return Proof("the bound and its KL divergences", LANGUAGE, lambda: _problems(seed), _steps(1),
                 intractable, FACTS, extremes)


def _at_one_chain(problem: Problem) -> np.ndarray:
    joint = frozenset(range(problem.T + 1))
    q, data = (problem.table("q", over, frozenset()) for over in (joint, frozenset({0})))
    return np.log(q / data / problem.table("p", joint, frozenset()))


FACTS = (
    Fact("the gap of Jensen's inequality", dropped, "the variational bound"),
    Fact("-log p(x_0) at one x_0 (the step asks for its mean, E(..))",
         lambda problem: -np.log(problem.table("p", frozenset({0}), frozenset())),
         "the negative log-likelihood"),
    Fact("what the bound averages, at one chain (the step asks for its mean, E(..))",
         _at_one_chain, "the variational bound"),
)
VLB = Proof("the variational bound in KL divergences", LANGUAGE, _problems, _steps(0), intractable,
            FACTS, extremes)
VLB_FROM_LIKELIHOOD = from_likelihood()
