"""The facts of exercise 4: there and back, who learns from what, a buffer, a gradient that turns
round, UNIT's terms, aligned subspaces, a score without labels, and a game of points.

Each check takes an answer and the seed of its random inputs, and holds the answer against the
definition, picture by picture and player by player in float64; networks are to come back as they
were. The game is also judged by where its maps bring the points of two clusters.
"""
from course_lib.checks.facts.same import BOTH
from course_lib.hidden.ex04.adaptation import check_reversal, check_unit_terms
from course_lib.hidden.ex04.domains import check_align, check_reverse_risk
from course_lib.hidden.ex04.game import check_adversarial_step, check_train, matches, moves
from course_lib.hidden.ex04.pictures import check_cycle_loss, check_through_buffer

__all__ = ["check_adversarial_step", "check_align", "check_cycle_loss", "check_reversal",
           "check_reverse_risk", "check_through_buffer", "check_train", "check_unit_terms", "warm"]


def warm() -> None:
    """Plays the games and steps before grading starts, once for all submissions; the seeds are
    those of the notebook's tests."""
    for seed in (1, 2):
        matches(seed)
        for dtype in BOTH:
            moves(seed, dtype)
