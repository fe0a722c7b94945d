"""The facts of exercise 7: DDIM on a sub-sequence with v-prediction, its inverse, and guidance with
and without a classifier.

Each check takes an answer and the seed of its random inputs. What the exercise asks for is held
against what it is for: marginals, Gaussian conditioning, slopes by differences and integrals on a
grid; the rest are symmetries and limits. Schedules cross as ᾱ, float64 (T + 1,), with ᾱ_0 = 1. It
is DDPM's ᾱ; the DDIM paper calls it α.
"""
from course_lib.hidden.ex07.classifier import check_log_p_gradient
from course_lib.hidden.ex07.ddim import (
    check_ddim_step,
    check_encode,
    check_sigmas,
    check_sub_sequence,
)
from course_lib.hidden.ex07.guidance import (
    check_classifier_free,
    check_guided_mean,
    check_guided_x_0,
)

__all__ = ["check_classifier_free", "check_ddim_step", "check_encode", "check_guided_mean",
           "check_guided_x_0", "check_log_p_gradient", "check_sigmas", "check_sub_sequence"]
