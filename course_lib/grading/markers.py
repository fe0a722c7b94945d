"""Splits written answers among markers: python -m course_lib.grading.markers ex01_minimax split …

    split ada bob --double 20%      a folder for each marker, again when more is handed in
    bring ada.csv bob.csv           their points into the gradebook
    disagreements                   what two marked differently, and how far they agree
"""
import argparse
import json
import re
import secrets
import sys
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps import AutogradeApp
from nbgrader.converters.base import NbGraderException

from course_lib.grading import marking, sheets
from course_lib.grading.cells import marks, role
from course_lib.grading.course import Course, write_whole
from course_lib.grading.files import AREA
from course_lib.grading.intake import Refused, shown
from course_lib.grading.marking import Answer
from course_lib.grading.waiting import wait_for_gradebook


def share(text: str) -> float:
    """20% or 0.2"""
    x = float(text.rstrip("% ")) / (100 if text.rstrip().endswith("%") else 1)
    if not 0 <= x <= 1:
        raise ValueError
    return x


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m course_lib.grading.markers",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("assignment")
    what = parser.add_subparsers(dest="what", required=True)
    add = (part := what.add_parser("split", help="a folder for each marker")).add_argument
    part.set_defaults(run=split)
    add("markers", nargs="+", metavar="MARKER")
    add("--double", type=share, default=0.0, help="share that two mark, such as 20%% (none)")
    add("--to", type=Path, default=Path("build/markers"), help="folder (build/markers)")
    add("--semicolons", action="store_true", help="between columns, for a German or French Excel")
    add = (part := what.add_parser("bring", help="points into the gradebook")).add_argument
    part.set_defaults(run=bring)
    add("tables", nargs="+", type=Path, metavar="CSV")
    add("--mean", action="store_true", help="where two differ, their mean counts")
    add("--over", action="store_true",
        help="also where somebody gave other points in formgrader meanwhile")
    what.add_parser("disagreements").set_defaults(
        run=lambda course, record, options: (marking.disagreements(record), 0))
    return parser.parse_args(argv)


def answers(course: Course, record: dict) -> dict[str, tuple[Answer, list, list]]:
    """key -> each written answer that waits for a person or that a marker has, with its cells and
    rubric, as they were graded."""
    found, several = {}, len(course.release) > 1
    with Gradebook(course.dir.db_url, course.dir.course_id) as book:
        for submission in book.assignment_submissions(course.assignment):
            student = submission.student.id
            for part in submission.notebooks:
                path = course.autograded(student) / f"{part.name}.ipynb"
                if not path.is_file():
                    continue
                notebook = nbformat.read(path, as_version=4)
                written = {marks(c)["grade_id"] for c in notebook.cells
                           if role(c) == "answer" and marks(c).get("grade")}
                for grade in part.grades:
                    if grade.name not in written:
                        continue
                    cells, rubric = sheets.of_answer(notebook, grade.name)
                    question = f"{part.name}.{grade.name}" if several else grade.name
                    answer = Answer(student, part.name, grade.name, question, grade.max_score,
                                    sheets.version(cells))
                    k = marking.key(record, answer)
                    if grade.needs_manual_grade or k in record["answers"]:
                        found[k] = answer, cells, rubric
    return dict(sorted(found.items(), key=lambda item: (item[1][0].question, item[0])))


def split(course: Course, record: dict, options: argparse.Namespace) -> tuple[list[str], int]:
    markers = list(dict.fromkeys(options.markers))
    if odd := [name for name in markers if not re.fullmatch(r"\w[\w.@-]{0,40}", name)]:
        raise Refused(f"{shown(odd[0])} is no marker's name: letters, digits and . @ - _ "
                      "are taken.")
    if options.double and len(markers) < 2:
        raise Refused("For double marking name two markers or more.")
    there = answers(course, record)
    marking.split(record, {k: answer for k, (answer, *_) in there.items()}, markers, options.double)
    lines = []
    everybody = {m for there in record["answers"].values() for m in there["markers"]}
    for marker in sorted({*markers, *everybody}):
        theirs = {k: found for k, found in there.items()
                  if marker in record["answers"][k]["markers"]}
        folder, name = options.to / marker, f"{course.assignment}-{marker}"
        folder.mkdir(parents=True, exist_ok=True)
        text = sheets.page(course.assignment, marker, f"{name}.csv", course.release, theirs)
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
        sheets.write_table(folder / f"{name}.csv", marker, {k: a for k, (a, *_) in theirs.items()},
                           ";" if options.semicolons else ",")
        twice = sum(len(record["answers"][k]["markers"]) > 1 for k in theirs)
        lines.append(f"{marker}: {len(theirs)} answers, {twice} of them marked twice; {folder}")
    return lines, 0


def bring(course: Course, record: dict, options: argparse.Namespace) -> tuple[list[str], int]:
    known = {k: answer for k, (answer, *_) in answers(course, record).items()}
    left_out, tables = [], [sheets.read_table(path.resolve(), known, record["answers"])
                            for path in options.tables]
    for marker, found in tables:
        for k, points, comment, version in found:
            if k in known and known[k].version == version:
                record["given"].setdefault(k, {})[marker] = {
                    "points": points, "comment": comment, "version": version}
            else:
                left_out.append(f"{k}: the answer changed since {marker} got it: split again.")
    differ, written, waiting = [], 0, 0
    with Gradebook(course.dir.db_url, course.dir.course_id) as book:
        for k, answer in known.items():
            markers = record["answers"].get(k, {}).get("markers", [])
            given = marking.given(record, k, answer.version)
            if not markers or len(given) < len(markers):
                waiting += 1
                continue
            place = (answer.grade_id, answer.notebook, course.assignment, answer.student)
            grade, comment = book.find_grade(*place), book.find_comment(*place)
            points, before = [mark["points"] for mark in given.values()], record["settled"].get(k)
            mark, now = sum(points) / len(points), grade.manual_score
            if len(set(points)) > 1 and not options.mean:
                if now is None:
                    differ.append(f"{k}: {' and '.join(given)} differ, so it is not written.")
            elif now not in (None, before, mark) and not options.over:
                left_out.append(f"{k}: {now:g} points were given in formgrader meanwhile, not "
                                f"{mark:g}; --over writes these.")
            else:
                grade.manual_score, grade.needs_manual_grade = mark, False
                if said := [mark["comment"] for mark in given.values() if mark["comment"]]:
                    comment.manual_comment = "\n\n".join(dict.fromkeys(said))
                record["settled"][k] = mark
                written += 1
        book.db.commit()
    end = (f"{written} marks are in the gradebook, {waiting} answers wait for a marker, "
           f"{len(differ)} for two to agree.")
    return [*left_out, *differ, end], int(bool(left_out))


def main(argv: list[str] | None = None) -> int:
    options = arguments(argv)
    wait_for_gradebook()
    app = AutogradeApp()
    app.initialize([options.assignment, "--Application.log_level=ERROR"])
    app.coursedir.assignment_id = options.assignment
    try:
        course = Course(app.coursedir)
        path = course.root / AREA / "markers" / f"{course.assignment}.json"
        record = {"salt": secrets.token_hex(16), "answers": {}, "given": {}, "settled": {}}
        if path.exists():
            record = json.loads(path.read_text(encoding="utf-8"))
        elif options.run is not split:
            raise Refused(f"Nothing of {course.assignment} is split among markers yet.")
        lines, failed = options.run(course, record, options)
        write_whole(path, json.dumps(record, indent=1))
    except (NbGraderException, Refused) as error:
        sys.exit(str(error))
    print("\n".join(lines))
    return failed


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")       # a name stops no terminal
    sys.exit(main())
