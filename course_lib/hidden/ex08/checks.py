"""The facts of exercise 8: a contrastive loss with shared captions, zero-shot prediction, a text
encoder, the prior's loss, guidance, and travels and edits among embeddings.

Each check takes an answer and the seed of its random inputs, and holds the answer against the
definition in float64, row by row.
"""
from course_lib.hidden.ex08.contrastive import check_contrastive_loss
from course_lib.hidden.ex08.prediction import check_zero_shot
from course_lib.hidden.ex08.prior import check_prior_loss
from course_lib.hidden.ex08.sphere import check_interpolate, check_text_difference
from course_lib.hidden.ex08.text import check_encode
from course_lib.hidden.ex08.two_conditions import check_guided_eps

__all__ = ["check_contrastive_loss", "check_encode", "check_guided_eps", "check_interpolate",
           "check_prior_loss", "check_text_difference", "check_zero_shot"]
