"""The verdict on each line of a proof, and the points that the lines earn together."""

from dataclasses import dataclass, field
from functools import partial

from course_lib.proofs.derivation import Line, Proof, obstacle, read
from course_lib.proofs.expressions import MAX_CHARACTERS, LineError, UndefinedError
from course_lib.proofs.hints import explain
from course_lib.proofs.relations import judge

MAX_LINES = 40


@dataclass(frozen=True)
class LineVerdict:
    """kind is "right" (it earned a milestone), "true", "wrong" or "unreadable"; message is what the
    student reads."""

    number: int
    text: str
    kind: str
    message: str
    milestone: str | None = None


@dataclass(frozen=True)
class ProofReport:
    points: float
    out_of: float
    lines: tuple[LineVerdict, ...] = ()
    missing: tuple[str, ...] = ()
    note: str = field(default="", repr=False)  # about the answer as a whole

    def __str__(self) -> str:
        rows = [f"{self.points:g} of {self.out_of:g} points", *([self.note] if self.note else [])]
        for line in self.lines:
            text = line.text if len(line.text) <= 70 else line.text[:67] + "..."
            rows += [f"line {line.number}: {text}", f"    {line.message}"]
        return "\n".join(rows + [f"not shown: {name}" for name in self.missing])


def best_order(lines: list[Line], proof: Proof) -> list[Line]:
    """The lines that earn: the milestones met in order that are worth most."""
    ends: list[tuple[float, list[Line]]] = []
    for line in lines:
        before = [end for end in ends if end[1][-1].milestone < line.milestone]
        score, chain = max(before, key=lambda end: end[0], default=(0, []))
        ends.append((score + proof.milestones[line.milestone].worth + 0.01, [*chain, line]))
    return max(ends, key=lambda end: end[0], default=(0, []))[1]


def grade_proof(lines: object, proof: Proof, points: float | None = None) -> ProofReport:
    """The verdict on each line; of n milestones, max(0, min(shown, n - wrong lines)) / n of the
    points."""
    out_of = float(proof.total if points is None else points)
    paid = tuple(milestone.name for milestone in proof.milestones if milestone.worth)
    if not isinstance(lines, list | tuple):
        note = f"the proof must be a list of strings, one a line; here is {type(lines).__name__}"
        return ProofReport(0.0, out_of, missing=paid, note=note)
    if not 1 <= len(lines) <= MAX_LINES:
        note = "there are no lines yet"
        if lines:
            note = f"at most {MAX_LINES} lines are read, here are {len(lines)}"
        return ProofReport(0.0, out_of, missing=paid, note=note)

    judged: list[Line | LineVerdict] = []
    for number, text in enumerate(lines, 1):
        try:
            line = read(number, text, proof)
        except LineError as error:
            kind = "wrong" if isinstance(error, UndefinedError) else "unreadable"
            message = f"{'wrong' if kind == 'wrong' else 'cannot be read'}: {error}"
            shown = text[:MAX_CHARACTERS] if isinstance(text, str) else f"({type(text).__name__})"
            judged.append(LineVerdict(number, shown, kind, message))
            continue
        line.milestone = next((k for k in line.same if obstacle(line, k, proof) is None), None)
        judged.append(line)
    judge(judged, proof)
    candidates = [x for x in judged
                  if isinstance(x, Line) and x.milestone is not None and not x.false]
    earned = {line.milestone: line for line in best_order(candidates, proof)}
    verdicts = tuple(_verdict(x, earned, judged, proof) if isinstance(x, Line) else x
                     for x in judged)
    shown = sum(proof.milestones[k].worth for k in earned)
    wrong = sum(verdict.kind in ("wrong", "unreadable") for verdict in verdicts)
    share = max(0, min(shown, proof.total - wrong)) / proof.total
    points = out_of if share == 1 else round(out_of * share, 4)
    missing = tuple(m.name for k, m in enumerate(proof.milestones) if m.worth and k not in earned)
    return ProofReport(points, out_of, verdicts, missing)


def _verdict(line: Line, earned: dict[int, Line], judged: list, proof: Proof) -> LineVerdict:
    """What the student reads about a line."""
    milestone = None if line.milestone is None else proof.milestones[line.milestone]
    verdict = partial(LineVerdict, line.number, line.text)
    if line.false:
        return verdict("wrong", f"wrong: {line.false}")
    if line.fact:
        return verdict("true", f"true: it is {line.fact.name}, which helps on the way to "
                               f"{line.fact.step}, and is no step itself")
    if line.loose:
        return verdict("true", "true, but it is not the derivation's bound")
    if milestone and earned.get(line.milestone) is line:
        message = f"right: this is {milestone.name}"
        message += "" if milestone.worth else " (without points of its own)"
        return verdict("right", message, milestone.name)
    if not line.same:
        return verdict("wrong", "wrong: " + explain(line, earned, judged, proof))
    goals = [k for k in line.same if k not in earned and proof.milestones[k].worth
             and k != line.milestone and obstacle(line, k, proof)]
    goal = "no milestone"
    if goals:
        todo = obstacle(line, goals[0], proof)
        goal = f"not yet {proof.milestones[goals[0]].name}: {todo}"
    if line.milestone in earned:
        message = f"true: it says the same as line {earned[line.milestone].number}"
        message += f", and is {goal}" if goals else ""
    elif milestone:
        message = (f"true: it is {milestone.name}, but that belongs at another place of the "
                   "derivation")
    else:
        message = proof.remark(line) or f"true, but it is {goal}"
    return verdict("true", message)


def check_proof(lines: object, proof: Proof) -> None:
    """Raises AssertionError with the report unless each milestone is shown and no line is wrong."""
    report = grade_proof(lines, proof)
    assert report.points == report.out_of, f"the proof of {proof.name} is not complete\n{report}"
