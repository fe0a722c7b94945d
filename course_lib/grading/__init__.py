"""Grades strangers' notebooks with nbgrader: their code runs in a sandbox, what judges it outside.

To audit it, read in this order: sandbox and linux (what a student's process may do), forkserver
(how it comes to be), channel and wire (what may come out of it), remote, checker and
course_lib.checks.answers (who asks, who decides, and what crosses when they call an answer). Then
cells and release (what a release says of itself), intake, outputs, tex and places (what is taken
from a student's file, and what is shown of it), engine and home (who starts all this, and where),
cgroup (the kernel's own account, where it can be had), hooks, course and rubrics (where nbgrader
calls it).

kernel runs on the student's side: nothing depends on its honesty, but whether an answer changed
its argument in place. The rest is comfort: __main__ and cluster (many at a time), machine (what
this one has to keep student code in), orders, comfort (what a student reads of a test that failed),
version (what is graded again), report, misconceptions, collect
and downloads.
"""
