"""Late work: due dates and extensions, and what nbgrader's plugin takes off for lateness.

nbgrader decides that only while it grades a submission. Here each run, and each export, decides it
again, from the gradebook's due date and extensions, the collector's time and the plugin.
"""
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta, tzinfo

from dateutil import tz
from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import CsvExportPlugin
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import parse_utc
from traitlets import TraitError
from traitlets.config import Configurable

from course_lib.grading.moments import shown_time, utc

UNITS = ("minutes", "hours", "days", "weeks")


def set_due(coursedir: CourseDirectory, assignment: str, text: str) -> None:
    """Writes a due date into the gradebook. Errors: ValueError, with a sentence."""
    with Gradebook(coursedir.db_url, coursedir.course_id) as book:
        book.update_or_create_assignment(assignment, duedate=utc(text))


def extend(coursedir: CourseDirectory, assignment: str, student: str, text: str,
           known: Iterable[str]) -> None:
    """Writes an extension into the gradebook: "2 days", a date, or "0", which takes it back. known:
    who has handed in. Errors: ValueError, with a sentence."""
    with Gradebook(coursedir.db_url, coursedir.course_id) as book:
        due = book.find_assignment(assignment).duedate
        if due is None:
            raise ValueError(f"{assignment} has no due date that could be extended: give it one "
                             'with --due "2027-05-01 12:00 Europe/Berlin".')
        try:
            book.find_student(student)
        except MissingEntry:
            if student not in known:
                raise ValueError(f"Nobody is called {ascii(student)} in the gradebook, and nothing "
                                 "is handed in under that name.") from None
            book.add_student(student)
        length = _length(text) if re.fullmatch(r"\s*\d+\s*[a-zA-Z]*\s*", text) else utc(text) - due
        if length < timedelta(0):
            raise ValueError(f"{shown_time(due + length)} is before the due date, "
                             f"{shown_time(due)}.")
        book.update_or_create_submission(assignment, student)
        book.grant_extension(assignment, student, days=length.days, minutes=length.seconds / 60)


def _length(text: str) -> timedelta:
    number, unit = re.fullmatch(r"\s*(\d+)\s*([a-zA-Z]*)\s*", text).groups()
    units = [name for name in UNITS if unit and name.startswith(unit.lower())]
    if int(number) > 9999 or len(units) != 1 and int(number):
        raise ValueError(f'“{text.strip()}” is no extension: write "2 days", "12 hours", or a date '
                         "with its zone; 0 takes it back.")
    return timedelta(**{units[0]: int(number)}) if units else timedelta(0)


def said_due(coursedir: CourseDirectory, assignment: str, config: Mapping) -> str:
    """A line about the due date as it is understood: in UTC, and in formgrader's time zone
    (c.NbGraderAPI.timezone) or else this machine's; empty where there is none."""
    with Gradebook(coursedir.db_url, coursedir.course_id) as book:
        due = book.find_assignment(assignment).duedate
    return f"{assignment} is due {shown_time(due, zone(config))}" if due else ""


def zone(config: Mapping) -> tzinfo | None:
    name = config.get("NbGraderAPI", {}).get("timezone", "")
    return tz.gettz(str(name)) if name else tz.tzlocal()


def settle(coursedir: CourseDirectory, assignment: str, times: Mapping[str, str],
           parent: Configurable) -> dict[str, str]:
    """Decides again what is taken off each submission in the gradebook. times: student -> what the
    collector wrote (UTC), or nothing. Returns whose plugin failed, and a sentence. Errors:
    NbGraderException."""
    with Gradebook(coursedir.db_url, coursedir.course_id) as book:
        try:
            found = book.find_assignment(assignment)
        except MissingEntry:
            return {}
        submissions = [one for one in found.submissions if one.student_id in times]
        if found.duedate is None and any(one.extension for one in found.submissions):
            raise NbGraderException(
                f"{assignment} has extensions, but no due date: give it one, with --due "
                '"2027-05-01 12:00 Europe/Berlin".')
        for one in submissions:
            when = parse_utc(times[one.student_id] or None)
            if one.timestamp != when:
                one.timestamp = when
        book.db.commit()
        todo = [(one.student_id, nb.name) for one in submissions if _matters(one)
                for nb in one.notebooks]
    return _penalties(coursedir, assignment, todo, parent)


def _matters(submission: SubmittedAssignment) -> bool:
    taken_off = any(nb.late_submission_penalty for nb in submission.notebooks)
    return taken_off or seconds_late(submission) > 0


def seconds_late(submission: SubmittedAssignment) -> float:
    """As nbgrader counts them, which cannot add an extension to no due date."""
    return submission.total_seconds_late if submission.assignment.duedate else 0


def _penalties(coursedir: CourseDirectory, assignment: str, todo: list[tuple[str, str]],
               parent: Configurable) -> dict[str, str]:
    """By nbgrader's own preprocessor, which reads and writes the gradebook only."""
    if not todo:
        return {}
    failed = {}
    try:
        penalties = AssignLatePenalties(parent=parent)
    except (TraitError, ImportError) as error:
        raise NbGraderException(f"c.AssignLatePenalties.plugin_class: {error}") from None
    for student, notebook in todo:
        about = {"assignment": assignment, "notebook": notebook, "student": student,
                 "db_url": coursedir.db_url}
        try:
            penalties(new_notebook(), {"nbgrader": about})
        except Exception as error:                      # the plugin is an instructor's
            failed[student] = ("failed: the plugin for late work ended with "
                               f"{type(error).__name__}: {error}")
    return failed


class Export(CsvExportPlugin):
    """nbgrader's table of marks (c.ExportApp.plugin_class), after what is taken off for lateness
    was decided again: a person may have given marks since."""

    def export(self, gradebook):
        app = self.parent
        todo = {one.name: [(late.student_id, nb.name) for late in one.submissions if _matters(late)
                           for nb in late.notebooks] for one in gradebook.assignments}
        gradebook.db.rollback()
        for name, its in todo.items():
            for student, why in _penalties(app.coursedir, name, its, app).items():
                self.log.error("%s, %s: %s", student, name, why)
        super().export(gradebook)
