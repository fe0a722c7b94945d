"""A derivation as milestones, and the reading of one line of a student's proof of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, wraps

import numpy as np

from course_lib.proofs.enumeration import evaluate
from course_lib.proofs.expressions import (
    MAX_CHARACTERS,
    RELATION,
    TOO_LONG,
    Language,
    LineError,
    UndefinedError,
    parse,
)
from course_lib.proofs.problem import Problem, same_value


@dataclass
class Line:
    """A line that was read: its tree, its value on each problem, the tables that it used, and the
    gap that it names."""

    number: int
    text: str
    tree: object
    values: list[np.ndarray]
    used: dict
    relation: str = ""  # "=", "<=" or ">=" where it began with one
    gap: object = None
    gap_values: list[np.ndarray] | None = None
    same: tuple[int, ...] = ()  # the milestones that have its value
    fact: "Fact | None" = None
    milestone: int | None = None
    extremes: list[np.ndarray | None] | None = None
    false: str | None = None  # why its relation to the line before does not hold
    loose: bool = False  # a bound of the line before, and none of the derivation's

    @property
    def name(self) -> str:
        return f"line {self.number}"

    def far(self, proof: "Proof") -> list[np.ndarray | None]:
        """Its value on each extreme problem, None where it has none in floating point."""
        if self.extremes is None:
            self.extremes = [_value(self.tree, problem) for problem in proof.extremes]
        return self.extremes

    def aside(self, proof: "Proof") -> bool:
        """Whether it is a statement of its own, outside the chain of values."""
        if self.same:
            return proof.milestones[self.same[0]].aside
        return self.fact is not None


@dataclass(frozen=True)
class Milestone:
    """A step of the derivation: `reference(problem)` is its value; `form(line)` is None, or says
    what is not yet done.

    A milestone has the value of the one before it, unless it is `fresh`; one that is `aside` is no
    part of the chain of values. One that drops a gap (value before + gap = value now) gives the
    form of the gap, which the line must name.
    """

    name: str
    reference: Callable[[Problem], np.ndarray]
    form: Callable[[Line], str | None] = lambda line: None
    worth: int = 1  # 0: recognised, without points
    gap: Callable[[Problem], np.ndarray] | None = None
    gap_form: Callable[[object], bool] = lambda tree: True
    fresh: bool = False
    aside: bool = False


@dataclass(frozen=True)
class Fact:
    """What is true of the problem and no milestone: free, as it helps on the way to `step`."""

    name: str
    reference: Callable[[Problem], np.ndarray]
    step: str


@dataclass(frozen=True, eq=False)
class Proof:
    """A derivation: its language, the random problems on which lines are compared, and its
    milestones in order."""

    name: str
    language: Language
    make_problems: Callable[[], list[Problem]]
    milestones: tuple[Milestone, ...]
    remark: Callable[[Line], str | None] = lambda line: None  # about a true line, no milestone
    facts: tuple[Fact, ...] = ()
    make_extremes: Callable[[], list[Problem]] = list  # where bounds must hold, too

    @cached_property
    def problems(self) -> list[Problem]:
        return self.make_problems()

    @cached_property
    def extremes(self) -> list[Problem]:
        return self.make_extremes()

    @cached_property
    def references(self) -> list[list[np.ndarray]]:
        return [[milestone.reference(problem) for problem in self.problems]
                for milestone in self.milestones]

    @cached_property
    def fact_values(self) -> list[list[np.ndarray]]:
        return [[fact.reference(problem) for problem in self.problems] for fact in self.facts]

    @property
    def total(self) -> int:
        return sum(milestone.worth for milestone in self.milestones)

    def prepare(self) -> None:
        """Computes now what lines will be compared with."""
        _ = self.references, self.fact_values, self.extremes


def once_a_seed(make: Callable[[int], Proof]) -> Callable[..., Proof]:
    """make(seed) once for each seed, which is 0 where none is given; by place or by name."""
    made = cache(make)
    return wraps(make)(lambda seed=0: made(seed))


def _value(tree, problem: Problem) -> np.ndarray | None:
    try:
        return evaluate(tree, problem)
    except LineError:
        return None


def read(number: int, text: object, proof: Proof) -> Line:
    """One line: `expression`, with a relation to the line before it or none, and `, gap =
    expression` where a step drops something. Raises LineError."""
    if type(text) is not str:
        raise LineError(f"a line is a string such as \"log(4)\", here is {type(text).__name__}")
    if len(text) > MAX_CHARACTERS:
        raise LineError(TOO_LONG.format(len(text)))
    relation, body = re.fullmatch(RELATION, text, re.DOTALL).groups()
    body, *gap = re.split(r",\s*gap\s*=", body, maxsplit=1)
    tree = parse(body, proof.language)
    gap_tree = parse(gap[0], proof.language) if gap else None
    used = {}
    try:
        values = [evaluate(tree, problem, used) for problem in proof.problems]
        gap_values = [evaluate(gap_tree, x) for x in proof.problems] if gap else None
    except LineError as error:
        raise UndefinedError(str(error)) from None
    relation = {"≤": "<=", "≥": ">=", "==": "="}.get(relation, relation)
    same = [k for k, value in enumerate(proof.references) if same_value(values, value)]
    fact = next((fact for fact, value in zip(proof.facts, proof.fact_values)
                 if not same and same_value(values, value)), None)
    return Line(number, text, tree, values, used, relation, gap_tree, gap_values, tuple(same), fact)


def obstacle(line: Line, k: int, proof: Proof) -> str | None:
    """Why a line that has milestone k's value does not earn it; None where it does."""
    milestone = proof.milestones[k]
    reason = milestone.form(line)
    if reason or milestone.gap is None:
        equality = "this step is an equality: write it without a bound's sign and gap"
        weak = line.relation in ("<=", ">=") or line.gap is not None
        return reason or (equality if weak and not milestone.fresh else None)
    if line.relation != "<=" or line.gap is None:
        return ("here the derivation drops something: begin with <= and name it after the line, as "
                "in ', gap = ...'")
    if not same_value(line.gap_values, [milestone.gap(problem) for problem in proof.problems]):
        return "the gap that it names is not what was dropped"
    if not milestone.gap_form(line.gap):
        return "name the gap as what shows that it is not negative"
    return None
