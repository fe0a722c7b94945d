"""Proofs, graded line by line.

A student's proof is a list of strings, one line of the derivation each (see `expressions`):

    report = grade_proof(lines, proof, points=6)   # a ProofReport; print(report) explains it
    report.points                                  # last in a scored cell: nbgrader's credit
    check_proof(lines, proof)                      # AssertionError unless the proof is complete
    typeset(lines)                                 # the lines as mathematics, for the notebook

Each derivation is a module: `minimax` (any game, `minimax("sum(...)")`), `vlb`, `rbm`. `points`
defaults to one a milestone.

A relation before a line (=, <=, >=) is a claim against the line before it, and must hold on all
problems as it is written. A line of the chain of values without a relation claims equality, unless
it is a milestone that begins something new (a derivative, a best D, the value at it, a minimum).
Side facts are statements of their own, whatever stands before them, and a first line must be what
the derivation starts from.

Each line is evaluated on random finite problems. It is right when its value is a milestone's, to
1e-9, on all of them, and its form is that milestone's. Milestones earn their points once and in
order; lines between them that are true cost nothing; a wrong line or relation costs one milestone,
be it in a milestone's place or between two.
"""

from course_lib.proofs.grade import LineVerdict, ProofReport, check_proof, grade_proof
from course_lib.proofs.latex import typeset

__all__ = ["LineVerdict", "ProofReport", "check_proof", "grade_proof", "typeset"]
