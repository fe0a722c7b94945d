"""What an instructor reads at the end of a run, and the marks as a file for Canvas or Moodle."""
import contextlib
import csv
import re
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry

from course_lib.grading.course import Course
from course_lib.grading.intake import Submission, called

LMS = {"canvas": ["Student={name}", "ID=", "SIS User ID={student}", "SIS Login ID={student}",
                  "Section=", "{assignment}={score}"],
       "moodle": ["Username={student}", "Email address={email}", "{assignment}={score}",
                  "Feedback comments={why}"]}


def rows(course: Course, taken: dict[str, Submission], status: dict[str, str]) -> list[dict]:
    """One row a submission: student, status, score after a late penalty, max_score, why, and what
    nbgrader knows of the student."""
    found = []
    with Gradebook(course.dir.db_url, course.dir.course_id) as book:
        for student, submission in taken.items():
            state = "refused" if submission.refused else status.get(student, "graded")
            row = {"student": called(student), "name": called(student), "email": "",
                   "assignment": course.assignment, "status": state,
                   "score": "", "max_score": "", "late_penalty": "",
                   "why": submission.refused or "; ".join(submission.notes)}
            graded = None
            if not submission.refused:
                with contextlib.suppress(MissingEntry):
                    graded = book.find_submission(course.assignment, student)
            if graded and not state.startswith("failed"):
                penalty = sum(nb.late_submission_penalty or 0 for nb in graded.notebooks)
                row["score"], row["late_penalty"] = f"{graded.score - penalty:g}", f"{penalty:g}"
                row["max_score"] = f"{graded.max_score:g}"
                late = [f"{penalty:g} points off for lateness"] if penalty else []
                rest = ["a person marks the rest"] if graded.needs_manual_grade else []
                said = course.said(student)
                row["why"] = "; ".join([*late, *rest, *submission.notes, *said])
            if graded:
                person = graded.student
                name = ", ".join(part for part in (person.last_name, person.first_name) if part)
                row |= {"name": name or student, "email": person.email or ""}
            found.append(row)
    return found


def table(found: list[dict]) -> str:
    """The rows as text: student, status, score, why."""
    lines = [("student", "status", "score", "why")]
    for row in found:
        score = f"{row['score']}/{row['max_score']}" if row["score"] else ""
        lines.append((row["student"], row["status"], score, row["why"]))
    widths = [max(len(line[i]) for line in lines) for i in range(3)]
    pad = lambda line: [*(part.ljust(width) for part, width in zip(line, widths)), line[3]]
    return "\n".join("  ".join(pad(line)).rstrip() for line in lines)


def export(found: list[dict], path: Path, columns: list[str]) -> None:
    """Writes a CSV with the columns NAME=TEMPLATE; a template may name student, name, email, score,
    max_score, late_penalty, status, why and assignment in braces. Submissions without a score are
    left out. Errors: ValueError for a column that is no NAME=TEMPLATE or names something else."""
    pairs = [column.partition("=")[::2] for column in columns]
    if not all("=" in column for column in columns):
        raise ValueError("a column is NAME=TEMPLATE, such as 'SIS User ID={student}'")
    scored = [row for row in found if row["score"]]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        try:
            writer.writerow([name.format(**found[0]) if found else name for name, _ in pairs])
            writer.writerows([_no_formula(template.format(**row)) for _, template in pairs]
                             for row in scored)
        except (KeyError, IndexError) as error:
            known = ", ".join(found[0])
            raise ValueError(f"there is no {error} to export; there are {known}") from None


def _no_formula(cell: str) -> str:
    """What a spreadsheet shows as it is: a student names files, which notes name."""
    return re.sub(r"^(?=[=+\-@\t\r])(?!-?[\d.]+$)", "'", cell)
