"""Of several attempts of a student the latest counts, by the platform's time or number; which one
that is, is said."""
import re
from collections.abc import Iterator
from typing import Any

from course_lib.grading.intake import shown
from course_lib.grading.platforms import Handed


def counting(files: list[tuple[Any, Handed]],
             released: set[str]) -> Iterator[tuple[Any, Handed, str, str]]:
    """Yields each of a student's files, the name that it gets ("" where it does not count) and why
    not. `released` are the names of the release's notebooks.

    Of Blackboard's attempts the latest with a notebook or archive counts, and what came after it;
    of one name's files, whatever the platform appended to it, the latest upload."""
    work = [its.order for _, its in files if its.file.lower().endswith((".ipynb", ".zip"))]
    since = max(work, default=()) if files[0][1].platform == "blackboard" else ()
    given = {its.file for _, its in files}
    plain = {its.file: _plain(its, released | given) for _, its in files}
    latest: dict[str, Handed] = {}
    for _, its in files:
        name = plain[its.file]
        if name not in latest or its.order > latest[name].order:
            latest[name] = its
    for entry, its in files:
        counts, what = latest[plain[its.file]], _attempt(its)
        if its.order < since:
            its_time = _attempt(next(other for _, other in files if other.order == since))
            yield entry, its, "", f"it is an earlier attempt ({what}); that of {its_time} counts"
        elif its.order < counts.order:
            yield entry, its, "", f"{shown(counts.file)} was uploaded later ({_attempt(counts)})"
        else:
            yield entry, its, plain[its.file], ""


def _plain(its: Handed, names: set[str]) -> str:
    """The name without the -1 that Canvas gives to a file that is handed in again."""
    again = re.fullmatch(r"(.+)-\d+(\.\w+)", its.file)
    plain = again[1] + again[2] if again and its.platform == "canvas" else its.file
    return plain if plain in names or plain.endswith(".py") else its.file


def _attempt(its: Handed) -> str:
    return its.when or f"number {'-'.join(map(str, its.order))}"
