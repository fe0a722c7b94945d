"""The facts of exercise 2: receptive fields, losses over patches that count, a pyramid with a
low-pass of its own, and BigGAN's parts.

Each check takes an answer and the seed of its random inputs, and holds the answer against the
definition, spelt out number by number in float64, or with one matrix a direction; the rest are
limits, scales and exact ends. `same` compares results and gradients.
"""
from course_lib.hidden.ex02.blocks import check_conditional_batch_norm, check_self_attention
from course_lib.hidden.ex02.objectives import (
    check_hinge_losses,
    check_orthogonal_penalty,
    check_projection_logit,
)
from course_lib.hidden.ex02.patches import check_patch_loss, check_receptive_field
from course_lib.hidden.ex02.scales import check_pyramid, check_reconstruct

__all__ = ["check_conditional_batch_norm", "check_hinge_losses", "check_orthogonal_penalty",
           "check_patch_loss", "check_projection_logit", "check_pyramid",
           "check_receptive_field", "check_reconstruct", "check_self_attention"]
