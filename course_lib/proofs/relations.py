"""Whether a line stands to the lines before it as it says.

A relation is read as it is written: what is right of it, against the line before. The line before
is the last one of the chain of values; for a side fact it is the last line of its kind (a number,
or a function of the same variables). After a wrong line the next one may also follow from what
should have stood there, so that one slip costs one line.
"""

import numpy as np

from course_lib.proofs.derivation import Line, Proof
from course_lib.proofs.problem import ROUGH, TOLERANCE, same_value, varies


def holds(relation: str, before: list[np.ndarray], line: Line) -> bool:
    """Whether `line` follows `before` by this relation, with the gap that it names."""
    if relation in ("", "="):
        return line.gap is None and same_value(line.values, before)
    sign = 1 if relation == "<=" else -1
    if line.gap is not None:
        moved = [old + sign * gap for old, gap in zip(before, line.gap_values)]
        if not same_value(moved, line.values):
            return False
    return all((sign * (new - old) >= -TOLERANCE * max(1.0, np.abs(old).max())).all()
               for new, old in zip(line.values, before))


def fails_far_out(before: Line, line: Line, proof: Proof) -> str | None:
    """Why a bound that holds on ordinary problems is false after all; None where it holds on the
    extreme ones too."""
    if line.relation not in ("<=", ">="):
        return None
    sign = 1 if line.relation == "<=" else -1
    for old, new in zip(before.far(proof), line.far(proof)):
        if old is None or new is None:
            continue
        size = max(1.0, np.abs(old).max(), np.abs(new).max())
        old, new = np.broadcast_arrays(old, new)
        at = (sign * (new - old)).argmin()
        if sign * (new.flat[at] - old.flat[at]) < -ROUGH * size:
            return (f"{line.relation} holds on ordinary problems, but not on all: on an extreme "
                    f"one {before.name} is {old.flat[at]:.4g} and {line.name} is "
                    f"{new.flat[at]:.4g}")
    return None


def judge(judged: list, proof: Proof) -> None:
    """Sets `false` of each line whose relation, written or not, does not hold; lines whose value is
    foreign to the derivation are left to `hints`, unless they are bounds of the line before."""
    before, at, slips, seen = None, -1, [], []
    for line in judged:
        if not isinstance(line, Line):
            slips.append(line)
            continue
        if line.aside(proof):
            like = next((x for x in reversed(seen) if varies(x.values) == varies(line.values)),
                        None)
            line.false = _aside(line, like, proof)
        elif line.same:
            line.false = _next(line, before, at, slips, bool(seen), proof)
        elif line.relation in ("<=", ">=") and before and holds(line.relation, before.values, line):
            if varies(line.values) == varies(before.values):
                line.false = fails_far_out(before, line, proof)
                line.loose = not line.false
        seen.append(line)
        if line.false or not (line.same or line.fact or line.loose):
            slips.append(line)
        elif not line.aside(proof):
            before, slips = line, []
            at = max(at, line.same[0]) if line.same else at


def _aside(line: Line, like: Line | None, proof: Proof) -> str | None:
    """A statement of its own, unless it begins with a bound's sign, or with = where a fact that is
    no step follows a line of its kind."""
    alone = like is None or not line.fact
    if line.gap is None and (not line.relation or line.relation == "=" and alone):
        return None
    if like is None:
        return f"{line.relation or 'a gap'} needs a line of the same kind before it"
    well = like.false is None and (like.same or like.fact)
    if not well:
        return None
    if not holds(line.relation, like.values, line):
        return _contrast(line, like)
    return fails_far_out(like, line, proof)


def _next(line: Line, before: Line | None, at: int, slips: list, later: bool,
          proof: Proof) -> str | None:
    milestones, references = proof.milestones, proof.references
    fresh = any(milestones[k].fresh and k > at for k in line.same)
    fresh = fresh and line.gap is None and not line.relation
    start = next(k for k, milestone in enumerate(milestones) if milestone.worth)
    if before is None and not slips:
        if later and fresh:
            return None
        if line.same[0] > start:
            return f"the derivation starts from {milestones[0].name}, not from here"
        well = line.relation in ("", "=") and line.gap is None
        return None if well else f"there is no line before it, and so no {line.relation or 'gap'}"
    if fresh:
        return None
    olds = [before.values] if before else []
    if slips:
        k = next((k for k in line.same if milestones[k].form(line) is None), line.same[-1])
        olds += [slip.values for slip in slips if isinstance(slip, Line)]
        olds += [references[j] for j in range(at + 1, k)]
        starts = before is None and (line.same[0] <= start or not olds)
        if starts and line.relation in ("", "=") and line.gap is None:
            return None
    if any(holds(line.relation, old, line) for old in olds):
        return fails_far_out(before, line, proof) if before and not slips else None
    if before is None:
        return "it does not follow from what should stand before it"
    return _contrast(line, before, next((m.gap for m in map(milestones.__getitem__, line.same)
                                         if m.gap), None) is not None)


def _contrast(line: Line, before: Line, gap: bool = False) -> str:
    """How a line differs from the one before it, where it says otherwise."""
    moves = np.concatenate([(new - old).ravel() for new, old in zip(line.values, before.values)])
    up, down = moves.max() > TOLERANCE, moves.min() < -TOLERANCE
    two = line.name, before.name
    if up and down:
        is_ = f"{two[0]} is greater than {two[1]} at some places and less at others"
    elif up or down:
        is_ = f"{two[0]} is {'greater' if up else 'less'} than {two[1]}"
    else:
        is_ = f"{two[0]} is equal to {two[1]}"
    if line.gap is not None and line.relation in ("<=", ">=") and not (
            down if line.relation == "<=" else up):
        return f"{is_}, but not by the gap that it names"
    if line.gap is not None:
        return f"{is_}; a gap belongs to a line that begins with <= or >="
    if line.relation in ("<=", ">="):
        return f"{is_}, so {line.relation} does not hold"
    why = "" if line.relation else " (which a line without a relation says)"
    advice = ("; a line that begins something new has no relation" if line.relation
              else "")
    if gap and up and not down:
        advice = ("; here the derivation drops something: begin with <= and name it after the "
                  "line, as in ', gap = ...'")
    return f"{is_}, not equal to it{why}{advice}"
