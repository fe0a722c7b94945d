"""Numbers of their own for each: python -m course_lib.grading.variants ex01_minimax

Writes for each student the released notebook with their numbers, or their group's, and keeps whose
they are. Run again when students come later: what was drawn stays.
"""
import argparse
import json
import secrets
import shutil
import sys
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps import AutogradeApp
from nbgrader.converters.base import NbGraderException

from course_lib.grading import spreadsheet
from course_lib.grading.capitals import Variants, choices, draw, record
from course_lib.grading.course import Course, write_whole
from course_lib.grading.intake import Refused, is_student, shown
from course_lib.grading.names import composed
from course_lib.grading.waiting import wait_for_gradebook


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m course_lib.grading.variants",
                                     description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("assignment")
    add("--students", type=Path, metavar="FILE",
        help="CSV with the column id (those whom the gradebook knows)")
    add("--groups", type=Path, metavar="FILE",
        help="CSV with the columns id and group: who is in a group shares its numbers")
    add("--to", type=Path, default=Path("build/variants"), help="folder (build/variants)")
    return parser.parse_args(argv)


def named(path: Path | None, *columns: str) -> dict[str, str]:
    """student -> the last of the columns."""
    if path is None:
        return {}
    found: dict[str, str] = {}
    for row in spreadsheet.rows(path.resolve(), columns):
        name, other = composed(row[columns[0]]), row[columns[-1]]
        if not is_student(name):
            raise Refused(f"{shown(path.name)}, line {row['line']}: {shown(name)} is no "
                          "student's name.")
        if found.setdefault(name, other) != other:
            raise Refused(f"{shown(path.name)}, line {row['line']}: {shown(name)} is in two "
                          "groups.")
    return {name: other for name, other in found.items() if other}


def main(argv: list[str] | None = None) -> int:
    options = arguments(argv)
    wait_for_gradebook()
    app = AutogradeApp()
    app.initialize([options.assignment, "--Application.log_level=ERROR"])
    app.coursedir.assignment_id = name = options.assignment
    try:
        course = Course(app.coursedir)
        given = {k: v for nb in course.release.values() for k, v in choices(nb).items()}
        if not given:
            raise Refused(f"{name} names no variants in its metadata, or was released before it "
                          f"did: run `nbgrader generate_assignment {name} --force` again.")
        groups = named(options.groups, "id", "group")
        students = set(groups) | set(named(options.students, "id"))
        if not options.students and not options.groups:
            with Gradebook(course.dir.db_url, course.dir.course_id) as book:
                students = {composed(student.id) for student in book.students}
        if not students:
            raise Refused("There are no students: name a file with --students or --groups, or "
                          "tell the gradebook by `nbgrader db student import`.")
        for line in hand_out(course, given, sorted(students), groups, options.to):
            print(line)
    except (NbGraderException, Refused, ValueError) as error:
        sys.exit(str(error))
    return 0


def hand_out(course: Course, given: dict, students: list[str], groups: dict[str, str],
             to: Path) -> list[str]:
    """Draws numbers for those who have none, keeps them, and writes everybody's notebooks. Returns
    what the instructor is to know."""
    path = record(course.root, course.assignment)
    kept = Variants(course.root, course.assignment).record
    kept = {"salt": secrets.token_hex(16), "students": {}} | kept
    lines, new = [], 0
    for student in students:
        of = f"group {groups[student]}" if student in groups else student
        if (there := kept["students"].get(student)) is None:
            drawn = draw(kept["salt"], course.assignment, of, given)
            kept["students"][student] = {"of": of, "numbers": drawn}
            new += 1
        elif there["of"] != of:
            lines.append(f"{student} keeps the numbers of {shown(there['of'])}.")
    write_whole(path, json.dumps(kept, indent=1))
    variants = Variants(course.root, course.assignment)
    for student in students:
        folder = to / student / course.assignment
        shutil.copytree(course.released, folder, dirs_exist_ok=True)
        release, _ = variants.given(student, course.release, {n: {} for n in course.release})
        for notebook, nb in release.items():
            nbformat.write(nb, folder / f"{notebook}.ipynb")
    return [*lines, f"{len(students)} students in {to}, {new} of them new."]


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")       # a name stops no terminal
    sys.exit(main())
