"""Hostile and broken submissions, each a small data item: what it tries, how it is handed in, and what it must end as."""
import copy
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from course import cell

ATTACKS: dict[str, "Attack"] = {}
CANARY = "kanarie_"                        # the planted secrets are this and sixteen hexadecimal digits
OUTLIVED = "outlived_the_run"              # in the command line of processes that try to stay
RIGHT = "def game_value(D, p, g, pi):\n    return (pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).sum(-1)\n"
WRONG = "def game_value(D, p, g, pi):\n    return torch.zeros(p.shape[:-1], dtype=p.dtype)\n"
GAME = {"game_value": 2}
QUESTIONS = ("game_value", "optimal_discriminator", "jsd", "discriminator_loss", "generator_losses")
MODULES = ("broken", "cells", "files", "ipython", "leaving", "patching", "peeking", "protocol", "resources", "results")


class Attack(NamedTuple):
    """`student` is the name of the folder, `earns` question -> points of its honest part, `may` points that it may also get
    as luck has it, `never` holds texts that must not be in its feedback. refused: intake takes nothing of it. ignored: it
    is no submission, and has no row."""

    student: str | bytes
    tries: str
    hand_in: Callable
    earns: dict[str, float]
    refused: bool = False
    never: tuple[str, ...] = ()
    may: dict[str, float] = {}
    ignored: bool = False
    n: int = 1                             # attacks in it

    def put(self, course) -> None:
        """Hands it in. What `hand_in` returns is a notebook, or the source of an answer, or nothing where it wrote itself."""
        folder = Path(course.folder, "submitted")
        folder = (course.handed_in(self.student) if isinstance(self.student, str) and self.student not in ATTACKS_OF_THEIR_OWN
                  else folder)
        made = self.hand_in(course, folder, blank := copy.deepcopy(course.release))
        if isinstance(made, str):
            cell(blank, "game_value").source = made
            made = blank
        if made is not None:
            (course.handed_in(self.student) / f"{course.name}.ipynb").write_text(json.dumps(made))


ATTACKS_OF_THEIR_OWN: set = set()          # students whose folder the attack makes itself


def attack(earns: dict | None = None, *, student: str | bytes | None = None, **must):
    """Registers a function of (course, folder, notebook). With `student`, it gets the folder of all submissions."""
    def register(function):
        name = f"{function.__module__.rpartition('.')[2]}-{function.__name__}"
        assert name not in ATTACKS, name
        if student is not None:
            ATTACKS_OF_THEIR_OWN.add(student)
        ATTACKS[name] = Attack(name if student is None else student, function.__doc__, function, earns or {}, **must)
        return function
    return register


def answers(module: str, /, **sources) -> None:
    """Registers sources of the answer to `game_value`: name=(what it tries, source[, earns[, never]])."""
    for name, (tries, source, *more) in sources.items():
        earns, never = [*more, *({}, ())[len(more):]]
        _register(module, name, tries, lambda course, folder, notebook, source=source: source, earns, never)


def in_functions(module: str, /, **sources) -> None:
    """The same for functions that earn nothing, five in a notebook, as answers to different questions."""
    for group in _groups(list(sources.items()), len(QUESTIONS)):
        texts = {q: source.replace("def game_value(D, p, g, pi)", "def game_value(D, p, g=None, *pi)").replace("game_value", q)
                 for q, (_, (_, source)) in zip(QUESTIONS, group)}
        _register_texts(module, group, texts, {}, ())


def in_cells(module: str, /, **sources) -> None:
    """The same for cells that run by themselves and end with the right answer, which is left to another cell."""
    for group in _groups(list(sources.items()), len(QUESTIONS) - 1):
        texts = {q: source.replace(RIGHT, "") for q, (_, (_, source, *_)) in zip(QUESTIONS[1:], group)}
        _register_texts(module, group, texts | {"game_value": RIGHT}, GAME, [text for _, (_, _, *more) in group for text in (*more, ())[0]])


def _groups(items: list, n: int) -> list:
    return [items[i:i + n] for i in range(0, len(items), n)]


def _register_texts(module: str, group: list, texts: dict, earns: dict, never) -> None:
    def hand_in(course, folder, notebook):
        for question, source in texts.items():
            cell(notebook, question).source = source
        return notebook
    _register(module, group[0][0] + "_etc" * (len(group) > 1), " ".join(tries for _, (tries, *_) in group), hand_in, earns, never, n=len(group))


def _register(module: str, name: str, tries: str, hand_in: Callable, earns: dict, never, n: int = 1) -> None:
    name = f"{module.rpartition('.')[2]}-{name}"
    assert name not in ATTACKS, name
    ATTACKS[name] = Attack(name, tries, hand_in, earns, never=tuple(never), n=n)


def load() -> dict[str, Attack]:
    for module in MODULES:
        importlib.import_module(f"attacks.{module}")
    return ATTACKS
