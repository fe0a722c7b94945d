"""Tables that people keep in Excel, Numbers or LibreOffice, read as they save them: with a
byte-order mark or in cp1252, with commas, semicolons or tabs, with decimal commas."""
import csv
import io
import re
from collections.abc import Collection
from pathlib import Path

from course_lib.grading.intake import Refused, read_file, shown

MAX_TABLE = 10 << 20


def rows(path: Path, needs: Collection[str]) -> list[dict[str, str]]:
    """The rows of a CSV file, with "line", by the names of its columns, in small letters. Errors:
    Refused, also where one of the columns in `needs` is not there."""
    raw = read_file(str(path.parent), path.name, MAX_TABLE)
    if raw[:2] == b"PK":
        raise Refused(f"{shown(path.name)} is an Excel file; save it as CSV.")
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")          # what Excel calls CSV in Western Europe
    head = text.split("\n", 1)[0]
    between = max(",;\t", key=head.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=between)
        names = [name.strip().casefold() for name in next(reader, [])]
        found = [{"line": str(reader.line_num)} | dict(zip(names, (x.strip() for x in row)))
                 for row in reader if any(x.strip() for x in row)]
    except csv.Error as error:
        raise Refused(f"{shown(path.name)} is no table in CSV: {error}.") from None
    if missing := [name for name in needs if name not in names]:
        raise Refused(f"{shown(path.name)} has no column {', '.join(missing)}: "
                      f"its first line is {shown(head.strip())}.")
    return [dict.fromkeys(names, "") | row for row in found]


def number(cell: str) -> float:
    """A number with a decimal point or comma. Errors: ValueError, for a formula and a date too."""
    if not re.fullmatch(r"[+-]?[0-9]{1,9}([.,][0-9]{0,9})?", cell):
        raise ValueError(f"{shown(cell)} is no number")
    return float(cell.replace(",", "."))
