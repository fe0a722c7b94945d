"""Hostile and broken submissions, each a small data item: what it tries, how it is handed in,
and what it must end as."""
import copy
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from course import cell

ATTACKS: dict[str, "Attack"] = {}
CANARY = "kanarie_"                # the planted secrets are this and sixteen hexadecimal digits
OUTLIVED = "outlived_the_run"      # in the command line of processes that try to stay
RIGHT = ("def game_value(D, p, g, pi):\n"
         "    return (pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).sum(-1)\n")
WRONG = "def game_value(D, p, g, pi):\n    return torch.zeros(p.shape[:-1], dtype=p.dtype)\n"
GAME = {"game_value": 2}
QUESTIONS = ("game_value", "optimal_discriminator", "jsd", "discriminator_loss", "generator_losses")
MODULES = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


class Attack(NamedTuple):
    """`student` is the name of the folder, `earns` question -> points of its honest part, `may`
    points that it may also get as luck has it, `never` holds texts that must not be in its
    feedback. refused: intake takes nothing of it. ignored: it is no submission, and has no row.
    waits: it goes on until a limit ends it, and so is graded under short ones."""

    student: str | bytes
    tries: str
    hand_in: Callable
    earns: dict[str, float]
    refused: bool = False
    never: tuple[str, ...] = ()
    may: dict[str, float] = {}
    ignored: bool = False
    n: int = 1                             # attacks in it
    waits: bool = False

    def put(self, course) -> None:
        """Hands it in. `hand_in` returns a notebook, or the source of an answer, or nothing
        where it wrote itself."""
        folder = Path(course.folder, "submitted")
        if isinstance(self.student, str) and self.student not in ATTACKS_OF_THEIR_OWN:
            folder = course.handed_in(self.student)
        made = self.hand_in(course, folder, blank := copy.deepcopy(course.release))
        if isinstance(made, str):
            cell(blank, "game_value").source = made
            made = blank
        if made is not None:
            (course.handed_in(self.student) / f"{course.name}.ipynb").write_text(json.dumps(made))


class waits(tuple):                        # noqa: N801
    """An entry of the functions below for what goes on until a limit ends it: waits(tries,
    source, …)."""

    def __new__(cls, *parts):
        return super().__new__(cls, parts)


ATTACKS_OF_THEIR_OWN: set = set()          # students whose folder the attack makes itself


def attack(earns: dict | None = None, *, student: str | bytes | None = None, **must):
    """Registers a function of (course, folder, notebook). With `student`, the folder is that of all
    submissions."""
    def register(function):
        name = f"{function.__module__.rpartition('.')[2]}-{function.__name__}"
        assert name not in ATTACKS, name
        if student is not None:
            ATTACKS_OF_THEIR_OWN.add(student)
        who = name if student is None else student
        ATTACKS[name] = Attack(who, function.__doc__, function, earns or {}, **must)
        return function
    return register


def answers(module: str, /, **sources) -> None:
    """Registers sources of the answer to `game_value`: name=(what it tries, source[, earns[,
    never[, may]]])."""
    for name, entry in sources.items():
        tries, source, *more = entry
        earns, never, may = [*more, *({}, (), {})[len(more):]]
        hand_in = lambda course, folder, notebook, source=source: source
        _register(module, name, tries, hand_in, earns, never, may=may,
                  waits=isinstance(entry, waits))


def in_functions(module: str, /, **sources) -> None:
    """The same for functions that earn nothing, five in a notebook, as answers to different
    questions."""
    for group in _groups(sources, len(QUESTIONS)):
        loose = lambda source: source.replace("(D, p, g, pi)", "(D, p, g=None, *pi)")
        texts = {question: loose(source).replace("game_value", question)
                 for question, (_, (_, source)) in zip(QUESTIONS, group)}
        _register_texts(module, group, texts, {}, ())


def in_cells(module: str, /, **sources) -> None:
    """The same for cells that run by themselves and end with the right answer, which is left to
    another cell."""
    for group in _groups(sources, len(QUESTIONS) - 1):
        texts = {question: source.replace(RIGHT, "")
                 for question, (_, (_, source, *_)) in zip(QUESTIONS[1:], group)}
        never = [text for _, (_, _, *more) in group for text in (*more, ())[0]]
        _register_texts(module, group, texts | {"game_value": RIGHT}, GAME, never)


def _groups(sources: dict, n: int) -> list:
    """The entries, n at a time, those that wait together."""
    quick = [item for item in sources.items() if not isinstance(item[1], waits)]
    kinds = quick, [item for item in sources.items() if isinstance(item[1], waits)]
    return [items[i:i + n] for items in kinds for i in range(0, len(items), n)]


def _register_texts(module: str, group: list, texts: dict, earns: dict, never) -> None:
    def hand_in(course, folder, notebook):
        for question, source in texts.items():
            cell(notebook, question).source = source
        return notebook
    name = group[0][0] + "_etc" * (len(group) > 1)
    tries = " ".join(tries for _, (tries, *_) in group)
    long = isinstance(group[0][1], waits)
    _register(module, name, tries, hand_in, earns, never, n=len(group), waits=long)


def _register(module: str, name: str, tries: str, hand_in, earns: dict, never, **more) -> None:
    name = f"{module.rpartition('.')[2]}-{name}"
    assert name not in ATTACKS, name
    ATTACKS[name] = Attack(name, tries, hand_in, earns, never=tuple(never), **more)


def load() -> dict[str, Attack]:
    for module in MODULES:
        importlib.import_module(f"attacks.{module}")
    return ATTACKS
