"""Grades notebooks of strangers with nbgrader: their code runs in a sandbox, and what judges it runs outside.

To audit it, read in this order: sandbox (what a student's process may do), forkserver (how it comes to be), channel and wire
(what may come out of it), remote and checker (who asks, and who decides), intake and outputs (what is taken from a student's
file, and what is shown of it), hooks (where nbgrader calls all this). kernel runs on the student's side: nothing depends on
its honesty, but whether an answer changed its argument in place. The rest is comfort: __main__ and cluster (many at a time),
report, misconceptions, collect.
"""
