"""The facts of exercise 6: a diffusion with jumps over many steps, a network that predicts v, and a
sampler that leaves out times.

Each check takes an answer and the seed of its random inputs. It knows one step of the forward chain
only: marginals come from composing steps, posteriors from the joint covariance of the chain, v from
the slope of a path, divergences from quadrature, a sampler from its own chain. The rest are
symmetries and limits.
"""
from course_lib.hidden.ex06.forward import (
    check_gaussian_kl,
    check_jump,
    check_posterior,
    check_schedule,
)
from course_lib.hidden.ex06.reverse import check_ancestral_step, check_sample, check_v_loss
from course_lib.proofs import check_proof as check_lines
from course_lib.proofs.vlb import from_likelihood

__all__ = ["check_ancestral_step", "check_gaussian_kl", "check_jump", "check_posterior",
           "check_proof", "check_sample", "check_schedule", "check_v_loss", "warm"]


def warm() -> None:
    """Enumerates the chains of the proof before grading starts, once for all submissions; the seeds
    are those of the notebook's tests."""
    for seed in (0, 1):
        from_likelihood(seed).prepare()


def check_proof(lines, seed: int = 0) -> None:
    check_lines(lines, from_likelihood(seed))
