"""The facts of exercise 1: the minimax game where a picture is real with probability pi, and a real
one has label a.

Each check takes an answer and the seed of its random inputs. It holds no formula that the exercise
asks for: games are solved numerically from their value alone, slopes are measured by differences,
and the rest are symmetries, limits and decompositions.
"""
from course_lib.hidden.ex01.game import (
    check_game_value,
    check_jsd,
    check_optimal_discriminator,
    games,
)
from course_lib.hidden.ex01.logits import (
    check_density_ratio,
    check_discriminator_loss,
    check_generator_losses,
)
from course_lib.hidden.ex01.steps import (
    check_discriminator_steps,
    check_generator_steps,
    discriminator_stops,
    generator_stops,
)
from course_lib.proofs import check_proof as check_lines
from course_lib.proofs.minimax import minimax_with_prior

__all__ = ["check_density_ratio", "check_discriminator_loss", "check_discriminator_steps",
           "check_game_value", "check_generator_losses", "check_generator_steps", "check_jsd",
           "check_optimal_discriminator", "check_proof", "warm"]


def warm() -> None:
    """Plays the games before grading starts, once for all submissions; the seeds are those of the
    notebook's tests."""
    for seed in (1, 2):
        games(seed)
        discriminator_stops(seed)
        generator_stops(seed)
    for seed in (0, 1):
        minimax_with_prior(seed).prepare()


def check_proof(lines, seed: int = 0) -> None:
    check_lines(lines, minimax_with_prior(seed))
