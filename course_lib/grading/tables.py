"""The tables that platforms give and take: Moodle's grading worksheet, Canvas' gradebook,
Blackboard's Grade Center, and a plain list of students. Read in the encoding that they have, and
written back in the same.
"""
import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from course_lib.grading.names import composed

# what a column is -> its heads, in English and German
HEADS = {
    "moodle": {"number": ("identifier", "id"), "name": ("full name", "vollständiger name"),
               "id": ("id number", "id-nummer", "matrikelnummer"),
               "login": ("username", "anmeldename"), "email": ("email address", "e-mail-adresse"),
               "score": ("grade", "bewertung"), "most": ("maximum grade", "bestwertung"),
               "why": ("feedback comments", "feedback als kommentar"),
               "when": ("last modified (submission)", "zuletzt geändert (abgabe)"),
               "changed": ("last modified (grade)", "zuletzt geändert (bewertung)")},
    "canvas": {"number": ("id",), "section": ("section",), "name": ("student",),
               "first": ("firstname",), "last": ("lastname",), "id": ("sis user id",),
               "login": ("sis login id",)},
    "blackboard": {"number": ("username", "benutzername"), "first": ("first name", "vorname"),
                   "last": ("last name", "nachname"), "id": ("student id", "matrikelnummer")},
    "students": {"id": ("id", "student_id", "matrikelnummer"), "first": ("first_name", "vorname"),
                 "last": ("last_name", "nachname"), "number": ("lms_user_id",),
                 "email": ("email", "e-mail", "e-mail-adresse")}}
SURE = {"moodle": ("number", "score", "changed"), "canvas": ("number", "section"),
        "blackboard": ("number", "first", "last"), "students": ("id",)}
IDS = {"moodle": ("id", "login", "email"), "canvas": ("id", "login"),
       "blackboard": ("number", "id"), "students": ("id",)}


class Person(NamedTuple):
    """A row of a table: the platform's number, what the student may be called by, best first, and
    when something was handed in."""

    row: int
    number: str
    ids: tuple[str, ...]
    first: str
    last: str
    email: str
    when: str


class Table:
    """A file with a row for each student. `kind` is a key of HEADS, `columns` says where what
    stands. Errors: ValueError for a file that is none of these."""

    def __init__(self, raw: bytes, name: str):
        text, self.encoding = _decoded(raw)
        first = text.split("\n", 1)[0]
        self.delimiter = max(",;\t", key=first.count)
        self.newline = "\r\n" if first.endswith("\r") else "\n"
        self.quoted = first.startswith('"') and first.rstrip().endswith('"')
        try:
            self.rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter))
        except csv.Error as error:
            raise ValueError(f"{name} is no table: {error}") from None
        self.heads = [composed(head).strip() for head in self.rows[0]] if self.rows else []
        low = [head.casefold() for head in self.heads]
        for self.kind, heads in HEADS.items():
            at = {what: next((low.index(head) for head in names if head in low), None)
                  for what, names in heads.items()}
            self.columns = {what: i for what, i in at.items() if i is not None}
            if all(what in self.columns for what in SURE[self.kind]):
                return
        raise ValueError(f"{name} is no table of students: it has the columns "
                         f"{', '.join(map(ascii, self.heads[:8]))}")

    @classmethod
    def read(cls, path: Path) -> "Table":
        return cls(path.read_bytes(), path.name)

    def cell(self, row: list[str], what: str) -> str:
        i = self.columns.get(what, len(row))
        return composed(row[i]).strip() if i < len(row) else ""

    def persons(self) -> list[Person]:
        """Whoever stands in the table; what two of them have in common is nobody's id."""
        ids = [{self.cell(row, what) for what in IDS[self.kind]} for row in self.rows]
        seen = Counter(value for values in ids for value in values)
        once = lambda value: seen[value] == 1 or self.kind == "students"
        found = []
        for i, row in enumerate(self.rows[1:], 1):
            number = self.cell(row, "number")
            if self.kind == "moodle":
                number = (re.findall(r"\d+$", number) or [""])[0]
            if self.kind == "canvas" and not number.isdigit():
                continue                        # the row of the points
            last, first = self.cell(row, "last"), self.cell(row, "first")
            if not last and not first:
                last, _, first = map(str.strip, self.cell(row, "name").partition(","))
            mine = (self.cell(row, what) for what in IDS[self.kind])
            mine = tuple(value for value in mine if value and once(value))
            if number or mine:
                found.append(Person(i, number, mine, first, last, self.cell(row, "email"),
                                    self.cell(row, "when")))
        return found

    def written(self) -> bytes:
        """The table as it stands in a file, in the encoding that it had."""
        text = io.StringIO(newline="")
        quoting = csv.QUOTE_ALL if self.quoted else csv.QUOTE_MINIMAL
        csv.writer(text, delimiter=self.delimiter, lineterminator=self.newline,
                   quoting=quoting).writerows(self.rows)
        return text.getvalue().encode(self.encoding, "replace")


def table_beside(parts: list[str], read: Callable[[], bytes]) -> Table | None:
    """The table that lies beside a download's archives, if this file is one."""
    if len(parts) > 1 or not parts[0].lower().endswith((".csv", ".txt", ".xls", ".tsv")):
        return None
    try:
        return Table(read(), parts[0])
    except ValueError:
        return None


def _decoded(raw: bytes) -> tuple[str, str]:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace"), "utf-16"
    for encoding in ("utf-8-sig" if raw.startswith(codecs.BOM_UTF8) else "utf-8", "cp1252"):
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1"), "latin-1"
