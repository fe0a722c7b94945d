"""The marks as a file: columns of one's own, or filled into the table that the platform gave."""
import csv
import html
import os
import re
import unicodedata
from pathlib import Path

from course_lib.grading.gradebook import Known
from course_lib.grading.names import composed
from course_lib.grading.platforms import LASTING, known_as, name_with_number
from course_lib.grading.tables import Person, Table

LMS = {"canvas": ["Student={name}", "ID={lms_user_id}", "SIS User ID={student}",
                  "SIS Login ID={student}", "Section=", "{assignment}={score}"],
       "moodle": ["Username={student}", "Email address={email}", "{assignment}={score}",
                  "Feedback comments={why}"]}

BEGINS = "[=+\\-@＝＋－＠]"                # a formula, also in the wide signs of East Asia
FORMS = {"canvas": r"(?P<name>.*) \((?P<id>\d+)\)",
         "blackboard": r"(?P<name>.*?) \[.*\]\s*\|(?P<id>\d+)"}


def export(found: list[dict], path: Path, columns: list[str]) -> None:
    """Writes a CSV with the columns NAME=TEMPLATE; a template may name student, name, email,
    lms_user_id, score, max_score, late_penalty, status, why and assignment in braces. Submissions
    without a score are left out. Errors: ValueError for a column that is no NAME=TEMPLATE or names
    something else."""
    pairs = [column.partition("=")[::2] for column in columns]
    if not all("=" in column for column in columns):
        raise ValueError("a column is NAME=TEMPLATE, such as 'SIS User ID={student}'")
    scored = [row for row in found if row["score"]]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        try:
            writer.writerow([name.format(**found[0]) if found else name for name, _ in pairs])
            writer.writerows([no_formula(template.format(**row)) for _, template in pairs]
                             for row in scored)
        except (KeyError, IndexError) as error:
            known = ", ".join(found[0])
            raise ValueError(f"there is no {error} to export; there are {known}") from None


def no_formula(cell: str) -> str:
    """What a spreadsheet shows as it is: a student names files, which notes name. Excel splits at
    a semicolon or a tab where its language has it so, whatever the quotes say."""
    if re.fullmatch(r"-?[\d.]+", cell):
        return cell
    return re.sub(rf"^(?=[\t\r])|(?:^|(?<=[;\t\r\n]))[\"\s]*(?={BEGINS})", r"\g<0>'", cell)


def fill(found: list[dict], table: Path, path: Path, assignment: str, title: str = "") -> list[str]:
    """Writes scores into a table that Moodle, Canvas or Blackboard gave, as `path`, for whoever
    has one; everything else in it stays, its encoding too. `title` is the assignment's name there,
    if it is another. Returns sentences about whom or what did not fit. Errors: ValueError."""
    its = Table.read(table)
    if its.kind == "students":
        raise ValueError(f"{table.name} is no table of a platform's: Moodle's grading worksheet, "
                         "Canvas' gradebook and Blackboard's Grade Center are.")
    score = its.columns.get("score")
    if score is None:
        score = _column(its, assignment, title)
    scored = {row["student"]: row for row in found if row["score"]}
    numbers = {score, its.columns.get("most", score), *_assignments(its)}
    comma = any(re.fullmatch(r"\d+,\d+", cell.strip()) for row in its.rows[1:]
                for i, cell in enumerate(row) if i in numbers)
    said, whose = [], _whose(its, found)
    missing = scored.keys() - {who for _, who in whose}
    for person, who in whose:
        if who not in scored:
            continue
        row, line = scored[who], its.rows[person.row]
        line += [""] * (len(its.heads) - len(line))
        line[score] = row["score"].replace(".", ",") if comma else row["score"]
        if "why" in its.columns and row["why"]:          # Moodle reads it as HTML
            line[its.columns["why"]] = no_formula(html.escape(row["why"], quote=False))
        most = its.cell(line, "most").replace(",", ".")
        if most and _number(most) not in (None, float(row["max_score"])):
            said = [f"{table.name} has a maximum of {float(most):g} points, the exercise of "
                    f"{row['max_score']}: set the same maximum on the platform."]
    if missing:
        said.append(f"Not in {table.name}: {', '.join(sorted(missing))}.")
    new = path.with_name(path.name + ".new")
    new.write_bytes(its.written())
    os.replace(new, path)
    return said


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _whose(its: Table, found: list[dict]) -> list[tuple[Person, str]]:
    """Which student each row is: by the platform's number, an id or the email; of those whom no
    row is, by name and number, as collecting calls who is not known. Nobody is two rows."""
    known = [Known(row["student"], row["email"], row["lms_user_id"]) for row in found]
    left, whose, others = {s.id for s in known}, [], []
    for person in its.persons():
        numbered = [s.id for s in known if person.number and s.lms_user_id == person.number]
        direct = its.kind in LASTING and len(numbered) == 1
        who = numbered[0] if direct else known_as(person, known)
        if who in left:
            left.remove(who)
            whose.append((person, who))
        else:
            others.append(person)
    for person in others:
        names = {_plain(name) for name in _names(its, person)}
        fits = [who for who in left if person.number and who.endswith(f"-{person.number}")
                and _plain(who) in names]
        if len(fits) == 1:
            left.remove(fits[0])
            whose.append((person, fits[0]))
    return whose


def _names(its: Table, person: Person) -> list[str]:
    """What collecting may call a row's person; an anonymous one is only called Participant."""
    row = its.rows[person.row]
    full = its.cell(row, "name") or its.cell(row, "number").removesuffix(person.number)
    return [name_with_number(who, person.number) for who in (full or person.number, "")]


def _plain(text: str) -> str:
    """Letters and digits; Canvas has no others in names of files, and no accents."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKD", text)).casefold()


def _assignments(table: Table) -> dict[int, re.Match]:
    """The columns of assignments: Canvas says "Name (id)", Blackboard "Name [Total Pts: …] |id"."""
    form = FORMS.get(table.kind, "(?!)")
    return {i: match for i, head in enumerate(table.heads) if (match := re.fullmatch(form, head))}


def _column(table: Table, assignment: str, title: str) -> int:
    """An assignment's column, by its whole name, or a given title. Errors: ValueError."""
    spaced = lambda text: " ".join(composed(text).split()).casefold()
    # of ex1_1, Ex 1.1 may be a name, and Ex 11 is another's
    plain = lambda text: _plain(re.sub(r"(?<=\d)[\W_]+(?=\d)", "x", text))
    name, form = (title, spaced) if title else (assignment, plain)
    there = _assignments(table)
    found = [i for i, match in there.items() if form(name) in (
        form(match["name"]), form(match[0]), match["id"])]
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(match[0]) for match in there.values()) or "none"
    raise ValueError(f"there is no one column for {name}; say with --title which it is: {names}")
