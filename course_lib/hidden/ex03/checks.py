"""The facts of exercise 3: what is maximised, a step, bounds that throw back, pixels, rates, the
whole search, and a step of Langevin.

Each check takes an answer and the seed of its random inputs, and holds the answer against the
definition, code by code and number by number in float64, also where numbers are tiny, huge or 0;
networks are to come back as they were. The search is also judged by what it draws: by a classifier
of its own (`judge`), on classes that the visible test does not ask for.
"""
from course_lib.hidden.ex03.ascent import (
    check_ascent_step,
    check_clip,
    check_langevin_step,
    check_objective,
)
from course_lib.hidden.ex03.judge import judge
from course_lib.hidden.ex03.search import check_invert, check_pixel_prior, check_rates, shipped

__all__ = ["check_ascent_step", "check_clip", "check_invert", "check_langevin_step",
           "check_objective", "check_pixel_prior", "check_rates", "warm"]


def warm() -> None:
    """Reads the weights that the search is judged with."""
    shipped()
    judge()
