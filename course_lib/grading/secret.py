"""The secret of a submission, which `nbgrader submit` writes beside it: in the exchange, nobody
finds feedback who does not know it."""
import re
from pathlib import Path

from course_lib.grading.intake import SECRET, Refused, read_file

MAX_SECRET = 1000


def secret(folder: Path) -> str:
    """What stands in a folder as its submission's secret; nothing if it is none: a student could
    have written another, that everybody guesses."""
    try:
        text = read_file(str(folder), SECRET, MAX_SECRET).decode("ascii")
    except (Refused, ValueError):
        return ""
    return text if re.fullmatch(r"[0-9a-f]{64,256}", text) else ""
