"""Checks are mathematical facts, each taking the answer under test; a fact that fails raises
AssertionError, which says what was expected, what came, and gives a hint.

Checks speak to an answer through `call` alone (`answers`), bound what they hand over with `at_most`
(`bounds`), and judge by `expect_close` and its kin (`expect`). Facts that several exercises share
are in `facts`; the checks of one exercise are in course_lib.hidden.
"""
from course_lib.checks.answers import Net, call
from course_lib.checks.bounds import at_most
from course_lib.checks.expect import (
    expect_close,
    expect_refusal,
    expect_results,
    expect_state,
    expect_tensor,
)

__all__ = ["Net", "at_most", "call", "expect_close", "expect_refusal", "expect_results",
           "expect_state", "expect_tensor"]
