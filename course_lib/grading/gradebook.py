"""The gradebook's students, with the numbers that a platform has for them."""
from pathlib import Path
from typing import NamedTuple

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from course_lib.grading.platforms import LASTING, Handed, Roster


class Known(NamedTuple):
    """A student of the gradebook."""

    id: str
    email: str
    lms_user_id: str


def _is_there(course: CourseDirectory) -> bool:
    path = course.db_url.removeprefix("sqlite:///")
    return path == course.db_url or Path(path).exists()


def students(course: CourseDirectory) -> list[Known]:
    """All students of a course; none where it has no gradebook yet."""
    if not _is_there(course):
        return []
    with Gradebook(course.db_url, course.course_id) as book:
        return [Known(s.id, s.email or "", s.lms_user_id or "") for s in book.students]


def write_down(course: CourseDirectory, roster: Roster, found: dict[str, Handed]) -> None:
    """Writes names, email and the platform's number of students who handed in something, where the
    gradebook has none yet. A number that is good for one assignment only is not kept."""
    if not found or not _is_there(course):
        return
    with Gradebook(course.db_url, course.course_id) as book:
        there = {student.id: student for student in book.students}
        for who, its in found.items():
            person, old = roster.person(its), there.get(who)
            new = {"lms_user_id": its.number if its.platform in LASTING else ""}
            if person:
                new |= {"first_name": person.first, "last_name": person.last,
                        "email": person.email}
            new = {what: value[:128] for what, value in new.items()
                   if value and not (old and getattr(old, what))}
            if new or not old:
                book.update_or_create_student(who, **new)
