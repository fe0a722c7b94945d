"""Grades strangers' notebooks with nbgrader: their code runs in a sandbox, what judges it outside.

To audit it, read in this order: sandbox and linux (what a student's process may do), forkserver
(how it comes to be), channel and wire (what may come out of it), remote, checker and
course_lib.checks.answers (who asks, who decides, and what crosses when they call an answer). Then
cells and release (what a release says of itself), names, files, parse, rebuild, written, beside,
choice and intake (what is taken of what a student handed in), outputs, tex, formulas and places
(what is shown of it), engine and home (who starts all this, and where), cgroup (the kernel's own
account, where it can be had), hooks, course and rubrics (where nbgrader calls it).

kernel, absent and unpack run on the student's side: nothing depends on their honesty, but whether
an answer changed its argument in place. The rest is comfort: __main__ and cluster (many at a time),
machine (what this one has to keep student code in), orders, comfort (what a student reads of a test
that failed), version (what is graded again), misconceptions, waiting (for a locked gradebook);
collect, secret and downloads (the two ways in), platforms, attempts and tables (how platforms name
what they give), leftout, gradebook, students and marks_out (who is who, in and out); late, moments
and changes (dates, and what changes after hand-in); capitals and variants (whose numbers are
which); marking, sheets, markers and spreadsheet (who marks which written answer); report, insight,
similar, normal, pseudonyms, page and standing (what a teacher and a student read).
"""
