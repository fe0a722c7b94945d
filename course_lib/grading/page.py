"""One page about a whole class, from the gradebook and the graded notebooks, and its tables as
CSV."""
import csv
import io
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbgrader.api import Gradebook

from course_lib.grading import insight, similar
from course_lib.grading.cells import marks, role
from course_lib.grading.course import Course, write_whole
from course_lib.grading.files import AREA
from course_lib.grading.intake import Submission, called
from course_lib.grading.marks_out import no_formula
from course_lib.grading.names import composed
from course_lib.grading.outputs import text
from course_lib.grading.pseudonyms import key, pseudonym
from course_lib.hidden import answers

USUAL = Path("reports")         # in the course's folder
SLOWEST, SHOWN_PAIRS, OPEN_PAIRS, EXCERPT = 10, 40, 12, 4000
NOTHING = "nothing handed in"
KINDS = {"NotImplementedError": "left blank", "AssertionError": "a wrong result",
         "AnswerError": "an error in the answer", "TimeoutError": "took too long",
         "NotRun": "a cell before it did not run"}


def write(course: Course, taken: dict[str, Submission], rows: list[dict], path: Path = USUAL,
          pseudonyms: bool = False) -> Path:
    """Writes the page, and CSV files that begin with its name; returns where. taken, rows: the
    submissions, and what the table says of each. path: a file, or a folder for the usual name."""
    path = course.root / path if path == USUAL else path
    if path.is_dir() or path == course.root / USUAL:
        path = path / f"{course.assignment}{'-pseudonyms' if pseudonyms else ''}.html"
    found = facts(course, taken, rows, pseudonyms)
    for name, lines in tables(found).items():
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(
            map(_plain, line) for line in lines)
        write_whole(path.with_name(f"{path.stem}-{name}.csv"), buffer.getvalue())
    write_whole(path, html(found | {"stem": path.stem}))
    return path


def facts(course: Course, taken: dict[str, Submission], rows: list[dict],
          pseudonyms: bool = False) -> dict:
    """All that stands on the page. With pseudonyms nothing that a student wrote or named is in it:
    no notes, no files' names, no answers; and the order is that of the pseudonyms."""
    secret = key(course.root / AREA) if pseudonyms else b""
    label = lambda student: pseudonym(secret, student) if pseudonyms else called(student)
    names = insight.graded(course.release)
    with Gradebook(course.dir.db_url, course.dir.course_id) as book:
        found = insight.in_gradebook(book, course.assignment, names)
        roster = [student.id for student in book.students]
    row_of = {row["student"]: row for row in rows}
    row_of = {student: row_of[called(student)] for student in taken}
    graded = {student for student, row in row_of.items() if row["score"]}
    found = [mark for mark in found if mark.student in graded]
    said = {student: insight.said(course.autograded(student), names) for student in graded}
    scored = {}
    for mark in found:
        scored.setdefault(mark.student, {})[mark.question] = mark
    everyone = []
    for student, row in row_of.items():
        its = scored.get(student, {})
        everyone.append({
            "student": label(student), "name": "" if pseudonyms else row["name"],
            "status": row["status"].split(":")[0] if pseudonyms else row["status"],
            "score": float(row["score"]) if row["score"] else None,
            "max_score": float(row["max_score"]) if row["max_score"] else None,
            "late_penalty": float(row["late_penalty"] or 0), "marks": its,
            "seconds": said[student].seconds if student in said else None,
            "why": "" if pseudonyms else row["why"]})
    here = {composed(student) for student in taken}
    missing = sorted(label(student) for student in roster
                     if composed(student) not in here)
    everyone.sort(key=lambda row: row["student"])
    questions = insight.questions(found, order(course))
    alike, unread, same = similar.pairs({
        student: written(submission, names) for student, submission in taken.items()
        if not submission.refused}, known(course))
    asked = dict.fromkeys([*order(course), *(mark.question for mark in found)])
    waiting = {name: sorted(label(mark.student) for mark in found
                              if mark.question == name and mark.waits) for name in asked}
    scores = [row["score"] for row in everyone if row["score"] is not None]
    most = max((row["max_score"] for row in everyone if row["max_score"] is not None), default=0.0)
    slow = sorted((row for row in everyone if row["seconds"] is not None),
                  key=lambda row: -row["seconds"])
    return {
        "assignment": course.assignment, "course": course.dir.course_id, "pseudonyms": pseudonyms,
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "everyone": everyone, "missing": missing,
        "roster": len(roster), "graded": len(graded), "most": most, "questions": questions,
        "refused": [row for row in everyone if row["status"] == "refused"],
        "failed": [row for row in everyone if row["status"].startswith("failed")],
        "spread": insight.spread(scores), "bars": insight.histogram(scores, most),
        "said": {q.name: Counter(KINDS.get(its.errors[q.name], its.errors[q.name])
                                 for its in said.values() if q.name in its.errors)
                 for q in questions},
        "slips": [(q.name, *one) for q in questions for one in Counter(
            its.slips[q.name] for its in said.values() if q.name in its.slips).most_common()],
        "waiting": {name: who for name, who in waiting.items() if who},
        "slowest": slow[:SLOWEST], "seconds": insight.spread([row["seconds"] for row in slow]),
        "alike": _shown(alike, taken, names, label, pseudonyms),
        "unread": sorted(map(label, unread)), "same": sorted(sorted(map(label, w)) for w in same),
        "few": similar.few_of(sum(not submission.refused for submission in taken.values()))}


def order(course: Course) -> list[str]:
    """The questions as they stand in the release."""
    names = insight.graded(course.release)
    return [insight.question(marks(cell)["grade_id"], name, names)
            for name, notebook in course.release.items() for cell in notebook.cells
            if "grade_id" in marks(cell)]


def written(submission: Submission, names: set[str]) -> similar.Cells:
    """What a student wrote: answers, and cells of their own. names: the notebooks with points."""
    cells = [(cell, name) for name, notebook in submission.notebooks.items()
             for cell in notebook.cells if role(cell) in ("answer", "extra")]
    called = lambda cell, name: insight.question(marks(cell)["grade_id"], name, names) if (
        role(cell) == "answer") else "own cells"
    return [(called(cell, name), "code" if cell.cell_type == "code" else "markdown", cell.source)
            for cell, name in cells]


def known(course: Course) -> list[tuple[str, str]]:
    """What nobody has to copy from a neighbour: the release, the master, the known answers."""
    masters = (course.root / course.dir.source_directory / course.assignment).glob("*.ipynb")
    notebooks = [*course.release.values(), *(nbformat.read(path, as_version=4) for path in masters)]
    cells = [("code" if cell.cell_type == "code" else "markdown", cell.source)
             for notebook in notebooks for cell in notebook.cells]
    return cells + [("code", path.read_text(encoding="utf-8"))
                    for path in sorted(answers(course.assignment).glob("*/*.py"))]


def _shown(pairs: list[similar.Pair], taken, names, label, pseudonyms: bool) -> list[dict]:
    """The pairs, the first with what each wrote where they share most."""
    found = []
    for i, pair in enumerate(pairs):
        sources = []
        for student in (pair.one, pair.other) if i < OPEN_PAIRS and not pseudonyms else ():
            cells = [s for name, _, s in written(taken[student], names)
                     if name == pair.questions[0]]
            sources.append((label(student), text("\n\n".join(cells), EXCERPT)))
        one, other = sorted((label(pair.one), label(pair.other)))
        found.append({"one": one, "other": other, "share": pair.share, "length": pair.length,
                      "questions": pair.questions, "sources": sorted(sources)})
    return found


def summary(found: dict) -> dict:
    """The first numbers of the page, by name."""
    return {"handed in": len(found["everyone"]), "graded": found["graded"],
            "refused": len(found["refused"]), "failed": len(found["failed"]),
            NOTHING: len(found["missing"]), "students in the gradebook": found["roster"],
            "answers that a person still marks": sum(map(len, found["waiting"].values())),
            "greatest possible score": found["most"], **found["spread"]}


def tables(found: dict) -> dict[str, list[list]]:
    """The CSV files, by the last part of their names: their lines, the head first."""
    names = [q.name for q in found["questions"]]
    head = ["student", "name", "status", "score", "max_score", "late_penalty", "seconds", "why"]
    head = [name for name in head if not (found["pseudonyms"] and name in ("name", "why"))]
    students = [[row[name] for name in head] + [
        row["marks"][name].score if name in row["marks"] and not row["marks"][name].waits else None
        for name in names] for row in found["everyone"]]
    missing = [[who, *(NOTHING if name == "status" else None for name in head[1:]),
                *[None] * len(names)] for who in found["missing"]]
    return {
        "summary": [["what", "value"], *map(list, summary(found).items())],
        "students": [head + names, *students, *missing],
        "questions": [["question", "points", "marked", "all_points", "some_points", "no_points",
                       "waiting", "mean", "discrimination", "why_no_discrimination"],
                      *map(list, found["questions"])],
        "slips": [["question", "slip", "students", "of"],
                  *([*slip, found["graded"]] for slip in found["slips"])],
        "waiting": [["question", "student"], *(
            [name, who] for name, all_ in found["waiting"].items() for who in all_)],
        "alike": [["student", "other", "share", "runs", "questions"], *(
            [p["one"], p["other"], round(p["share"], 3), p["length"], ", ".join(p["questions"])]
            for p in found["alike"])],
        "same": [["group", "student"], *(
            [i, who] for i, group in enumerate(found["same"], 1) for who in group)]}


def _plain(cell) -> str:
    return no_formula(cell) if isinstance(cell, str) else "" if cell is None else repr(cell)


def number(x: float | None, digits: int = 2) -> str:
    """As a table shows it: no more digits than it needs, – where there is none."""
    if x is None:
        return "–"
    short = f"{round(x, digits) + 0.0:.{digits}f}".rstrip("0").rstrip(".")
    return short.replace("-", "−") or "0"


def html(found: dict) -> str:
    """The page, in which whatever comes from a student is text."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True,
                              undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = number
    return environment.get_template("page.html").render(
        found, summary=summary(found), pairs=SHOWN_PAIRS, csv=[*tables(found)])
