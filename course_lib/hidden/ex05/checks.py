"""The facts of exercise 5: energies of a Hopfield network, a machine with two levels, Langevin
steps, score matching, a joint energy.

Each check takes an answer and the seed of its random inputs, and holds the answer against the
definition, state by state and picture by picture in float64; networks are to come back as they
were.
"""
from course_lib.checks.facts.same import BOTH
from course_lib.hidden.ex05.divergence import check_cd_update
from course_lib.hidden.ex05.hopfield import check_recall, check_store
from course_lib.hidden.ex05.langevin import check_mala_step
from course_lib.hidden.ex05.machine import check_free_energy, check_gibbs_step
from course_lib.hidden.ex05.scores import (
    check_joint_loss,
    check_score_loss,
    joint_cases,
    score_cases,
)
from course_lib.proofs import check_proof as check_lines
from course_lib.proofs.rbm import labelled

__all__ = ["check_cd_update", "check_free_energy", "check_gibbs_step", "check_joint_loss",
           "check_mala_step", "check_proof", "check_recall", "check_score_loss", "check_store",
           "warm"]


def warm() -> None:
    """Makes what answers are compared with before grading starts, once for all submissions; the
    seeds are those of the notebook's tests."""
    for seed in (1, 2):
        for dtype in BOTH:
            score_cases(seed, dtype)
            joint_cases(seed, dtype)
    for seed in (0, 1):
        labelled(seed).prepare()


def check_proof(lines, seed: int = 0) -> None:
    check_lines(lines, labelled(seed))
