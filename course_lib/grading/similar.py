"""Answers that are alike: a place to look, and no verdict.

What two share counts by how few share it, and not at all where the course gave it, where it stands
in an answer that the course knows, or where more than a few have it: short answers and the usual
ones are no sign.
"""
import json
import math
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

FEW = 10                # students at most who share a run that counts
LEAST = 24              # runs that count for a pair: some six lines of code, or thirty words
SHARE = 0.5             # of the smaller one's runs
Cells = list[tuple[str, str, str]]      # question, kind ("code" or "markdown"), source


class Pair(NamedTuple):
    """share: of the shorter one's own, what the other has too. length: how many runs these are.
    questions: where they stand in the first, most first."""

    one: str
    other: str
    share: float
    length: int
    questions: list[str]


def normal_forms(sources: list[tuple[str, str]]) -> Iterator[list[int] | None]:
    """The runs of each (kind, source); None of one that ended the process that reads it."""
    i = 0
    while i < len(sources):
        lines = "".join(json.dumps(source) + "\n" for source in sources[i:])
        done = subprocess.run([sys.executable, "-m", "course_lib.grading.normal"], input=lines,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        whole = done.stdout.split("\n")[:-1]
        yield from map(json.loads, whole)
        i += len(whole)
        if i < len(sources):
            yield None
            i += 1


def few_of(n: int) -> int:
    """How many of n students share at most what counts for a pair."""
    return max(2, min(FEW, n // 5))


def pairs(students: dict[str, Cells], known: list[tuple[str, str]]
          ) -> tuple[list[Pair], set[str], list[list[str]]]:
    """The pairs that share most, most first; whose cells could not all be read; and the groups, of
    three up to half the class, who wrote all the same. known: kind and source of what the course
    gave, and of its own answers. The time is that of reading, and of few pairs for each run."""
    cells = [(student, *cell) for student, theirs in students.items() for cell in theirs]
    sources = list(dict.fromkeys([*known, *(cell[2:] for cell in cells)]))
    form = dict(zip(sources, normal_forms(sources)))
    given = {run for source in known for run in form[source] or ()}
    unread = {cell[0] for cell in cells if form[cell[2:]] is None}
    where: dict[str, dict[int, str]] = {student: {} for student in students}
    for student, question, *source in cells:
        for run in form[tuple(source)] or ():
            if run not in given:
                where[student].setdefault(run, question)
    having = defaultdict(list)
    for student, its in where.items():
        for run in its:
            having[run].append(student)
    n, weight = len(students), {}
    few = few_of(n)
    same = defaultdict(list)
    for student, its in where.items():
        if len(its) >= LEAST and student not in unread:
            same[frozenset(its)].append(student)
    own: Counter = Counter()
    shared: dict[tuple[str, str], list[int]] = defaultdict(list)
    for run, who in having.items():
        if len(who) > few:
            continue
        rare = math.log(n / max(len(who), 2)) / math.log(n / 2) if n > 2 else 1.0
        weight[run] = rare
        for student in who:
            own[student] += rare
        for pair in combinations(who, 2):
            shared[pair].append(run)
    found = []
    for (one, other), both in shared.items():
        both_weigh = math.fsum(weight[run] for run in both)
        share = both_weigh / min(own[one], own[other]) if both_weigh else 0
        if both_weigh >= LEAST and share >= SHARE:
            at = Counter(where[one][run] for run in both)
            names = [name for name, _ in at.most_common()]
            found.append((both_weigh * share, Pair(one, other, share, len(both), names)))
    found.sort(key=lambda it: (-it[0], it[1].one, it[1].other))
    return ([pair for _, pair in found], unread,
            [who for who in same.values() if 3 <= len(who) <= n // 2])
