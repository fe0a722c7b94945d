"""What collecting left out, and why: noted while it collects, told in the table of grading."""
import json
from pathlib import Path

from course_lib.grading.files import AREA

MOST = 5                        # sentences of one student in the table; the rest is counted


def _notes(root: Path | str, assignment: str) -> Path:
    return Path(root) / AREA / "left_out" / f"{assignment}.jsonl"


def left_out(root: Path | str, assignment: str, student: str, why: str) -> None:
    """Remembers that something of a student's was not taken; `why` is a sentence that names it.
    `root` is the course's folder."""
    place = _notes(root, assignment)
    place.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps([student, why]).encode("ascii")
    with open(place, "ab") as file:
        file.write(line + b"\n")


def forget(root: Path | str, assignment: str, student: str = "") -> None:
    """Before an assignment, or one student's, is collected anew."""
    place = _notes(root, assignment)
    kept = [line for line in _lines(place) if student and json.loads(line)[0] != student]
    if kept:
        place.write_text("\n".join(kept) + "\n", encoding="ascii")
    else:
        place.unlink(missing_ok=True)


def _lines(place: Path) -> list[str]:
    return place.read_text(encoding="ascii").splitlines() if place.exists() else []


def listed(root: Path | str, assignment: str) -> dict[str, str]:
    """student -> what was left out of theirs, in a few sentences."""
    found: dict[str, list[str]] = {}
    for line in _lines(_notes(root, assignment)):
        student, why = json.loads(line)
        said = found.setdefault(student, [])
        if why not in said:
            said.append(why)
    more = lambda said: [f"{len(said) - MOST} more left out"] if len(said) > MOST else []
    return {who: "; ".join(said[:MOST] + more(said)) for who, said in found.items()}
