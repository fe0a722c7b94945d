"""The facts of exercise 9: a VAE's bound and its draws, masked stacks, a coupling, product
quantisation, a change of variables that folds, bits a dimension, fits in two directions.

Each check takes an answer and the seed of its random inputs, and holds the answer against the
definition in float64, number by number.
"""
from course_lib.hidden.ex09.bits import check_bits_bound
from course_lib.hidden.ex09.change import check_log_density
from course_lib.hidden.ex09.correlated import check_reparametrise
from course_lib.hidden.ex09.coupled import check_coupling
from course_lib.hidden.ex09.evidence import check_elbo
from course_lib.hidden.ex09.fits import check_kl_fit, warm
from course_lib.hidden.ex09.quantisation import check_quantise
from course_lib.hidden.ex09.scan import check_two_stacks

__all__ = ["check_bits_bound", "check_coupling", "check_elbo", "check_kl_fit",
           "check_log_density", "check_quantise", "check_reparametrise", "check_two_stacks", "warm"]
