"""What an instructor reads at the end of a run."""
import contextlib
from datetime import timedelta

from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment

from course_lib.grading import leftout
from course_lib.grading.course import Course
from course_lib.grading.intake import Submission, called
from course_lib.grading.late import seconds_late
from course_lib.grading.moments import shown_time


def rows(course: Course, taken: dict[str, Submission], status: dict[str, str]) -> list[dict]:
    """One row a submission: student, status, score after a late penalty, max_score, why, and what
    nbgrader knows of the student. Whoever has nothing but files that collecting left out has a row
    too."""
    found, blank = [], {"name": "", "email": "", "lms_user_id": "", "assignment": course.assignment,
                        "score": "", "max_score": "", "late_penalty": "", "due": "",
                        "handed_in": "", "days_late": ""}
    left = leftout.listed(course.root, course.assignment)
    with Gradebook(course.dir.db_url, course.dir.course_id) as book:
        for student, submission in taken.items():
            state = "refused" if submission.refused else status.get(student, "graded")
            row = blank | {"student": called(student), "name": called(student), "status": state,
                           "why": submission.refused or "; ".join(submission.notes)}
            graded = None
            if not submission.refused:
                with contextlib.suppress(MissingEntry):
                    graded = book.find_submission(course.assignment, student)
            if graded and not state.startswith("failed"):
                penalty = sum(nb.late_submission_penalty or 0 for nb in graded.notebooks)
                row["score"], row["late_penalty"] = f"{graded.score - penalty:g}", f"{penalty:g}"
                row["max_score"] = f"{graded.max_score:g}"
                times, late = lateness(graded, penalty)
                row |= times
                rest = ["a person marks the rest"] if graded.needs_manual_grade else []
                said = course.said(student)
                row["why"] = "; ".join([*late, *rest, *submission.notes, *said])
            if graded:
                person = graded.student
                name = ", ".join(part for part in (person.last_name, person.first_name) if part)
                row |= {"name": name or student, "email": person.email or "",
                        "lms_user_id": person.lms_user_id or ""}
            row["why"] = "; ".join(filter(None, [row["why"], left.pop(row["student"], "")]))
            found.append(row)
    found += [blank | {"student": called(student), "name": called(student), "status": "left out",
                       "why": why} for student, why in left.items() if course.names(student)]
    return found


def lateness(graded: SubmittedAssignment, penalty: float) -> tuple[dict[str, str], list[str]]:
    """When a submission was due and handed in, for its row, and what is said of that."""
    over, due, when = seconds_late(graded), graded.assignment.duedate, graded.timestamp
    off = [f"{penalty:g} points off for lateness"] if penalty else []
    if due is None:
        return {}, off
    due += graded.extension or timedelta(0)
    more = [f"extended to {shown_time(due)}"] if graded.extension else []
    row = {"due": shown_time(due)}
    if when:
        long = f"{over / 86400:.2g} days" if over >= 86400 else f"{over / 3600:.2g} hours"
        more.append(f"handed in {shown_time(when)}{f', {long} late' if over else ''}")
        row |= {"handed_in": shown_time(when), "days_late": f"{over / 86400:.2f}"}
    return row, [*more, *off]


def table(found: list[dict]) -> str:
    """The rows as text: student, status, score, why."""
    lines = [("student", "status", "score", "why")]
    for row in found:
        score = f"{row['score']}/{row['max_score']}" if row["score"] else ""
        lines.append((row["student"], row["status"], score, row["why"]))
    widths = [max(len(line[i]) for line in lines) for i in range(3)]
    pad = lambda line: [*(part.ljust(width) for part, width in zip(line, widths)), line[3]]
    return "\n".join("  ".join(pad(line)).rstrip() for line in lines)
