"""Mutants of each master, made by machine, fail the hidden check on its graded seeds; those that
live compute the same, and are listed with the reason in hidden/exNN/equal_mutants.txt.

    python tests/test_mutants.py ex06 [question …]      the rate, and whatever lives
"""
import ast
import random
import re
import signal
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import pytest
import torch
from exercise import cells, nbgrader, questions, run, short, solution
from mutants import mutants
from test_answers import EXERCISES, check

from course_lib.hidden import ROOM

SECONDS, SAMPLE = 20, 10
QUESTIONS = [(name, question) for name in EXERCISES for question in questions(name)
             if question != "proof"]
FULL = "ex01_minimax"                   # in CI: this one's mutants all, of the others a sample


def graded_seeds(name: str, question: str) -> list[int]:
    """The seeds of the hidden test."""
    test = next(cell.source for cell in cells(name)
                if nbgrader(cell).get("grade_id") == f"test_{question}")
    return list(ast.literal_eval(re.search(r"for seed in (\(.*?\)):", test)[1]))


def lives(name: str, question: str, source: str) -> bool:
    """Whether a mutant passes the hidden check, in time."""
    def late(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        torch.manual_seed(0)
        answer = run(name, question, source)
        for seed in graded_seeds(name, question):
            check(name, question, answer, seed)
        return True
    except Exception:
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def changed(master: str, mutant: str) -> str:
    """The lines of a mutant that the master does not have, as they are listed."""
    lines = Counter(ast.unparse(ast.parse(master)).splitlines())
    return " / ".join(line.strip() for line in mutant.splitlines() if not lines[line]) or "left out"


def equal(name: str) -> set[tuple[str, str]]:
    """(question, changed lines) of the mutants that compute the same: `question: lines  # why`."""
    path = ROOM / short(name) / "equal_mutants.txt"
    listed = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = [re.fullmatch(r"(\w+): (.*?)  # (.{10,})", line) for line in listed if line.strip()]
    assert all(pairs), f"{path}: each line is `question: changed lines  # why it is equal`"
    return {(pair[1], pair[2]) for pair in pairs}


def survivors(name: str, question: str, most: int | None = None) -> tuple[int, list[str]]:
    """How many mutants there were, but for the equal ones, and which of them live."""
    master, listed = solution(name, question), equal(name)
    found = [(what, text) for what, text in mutants(master)
             if (question, changed(master, text)) not in listed]
    if most is not None and len(found) > most:
        found = random.Random(0).sample(found, most)
    alive = [lives(name, question, text) for _, text in found]
    return len(found), [f"{question}: {changed(master, text)}  # {what}"
                        for (what, text), alive in zip(found, alive) if alive]


@pytest.mark.parametrize("name, question", [
    pytest.param(name, question, id=f"{short(name)}-{question}",
                 marks=[] if name == FULL else pytest.mark.slow) for name, question in QUESTIONS])
def test_every_mutant_fails(name, question):
    n, alive = survivors(name, question)
    assert n > 20 and len(alive) <= 0.02 * n, "\n".join([f"{len(alive)} of {n} live:", *alive])


@pytest.mark.parametrize("name, question", [
    pytest.param(name, question, id=f"{short(name)}-{question}")
    for name, question in QUESTIONS if name != FULL])
def test_a_sample_of_mutants_fails(name, question):
    n, alive = survivors(name, question, SAMPLE)
    assert len(alive) <= 1, "\n".join([f"{len(alive)} of {n} live:", *alive])


def main(unit: str, *wanted: str) -> None:
    chosen = [(name, question) for name, question in QUESTIONS
              if short(name) == unit and (not wanted or question in wanted)]
    total = dead = 0
    with ProcessPoolExecutor(1) as pool:
        for (_, question), (n, alive) in zip(chosen, pool.map(survivors, *zip(*chosen))):
            total, dead = total + n, dead + n - len(alive)
            print(f"{question}: {n - len(alive)} of {n}", *alive, sep="\n    ", flush=True)
    print(f"{unit}: {dead} of {total} mutants fail, {100 * dead / total:.1f} %")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:])
