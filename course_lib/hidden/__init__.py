"""What students must never see: the checks of each exercise, exNN/checks.py, its known answers,
exNN/answers/<question>/wrong_*.py and right_*.py, and chains.py, facts that answer questions.

The sandbox, the students' bundle and the wheel leave this folder out, whatever lies in it: `unseen`
is the one rule that says so. Feedback takes from it only the first line of a known wrong answer.
"""
from pathlib import Path

ROOM = Path(__file__).parent


def unseen(path: str | Path) -> bool:
    """Whether a path of the course, absolute or from the course's folder, lies in this room."""
    return (ROOM.parents[1] / path).is_relative_to(ROOM)


def answers(exercise: str) -> Path:
    """The folder of an exercise's known answers, one folder a question.

    exercise: its name, ex01_minimax, or ex01.
    """
    return ROOM / exercise.split("_")[0] / "answers"
