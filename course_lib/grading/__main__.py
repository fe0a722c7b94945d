"""Grades an assignment in parallel: python -m course_lib.grading ex01_minimax --jobs 2

Kernels and checkers run side by side; what they find is kept in .grading/results as it comes, and
one writer, nbgrader's own autograde, brings it into the gradebook. Killed at any moment and started
again, it goes on where it was.
"""
import argparse
import fcntl
import json
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from sqlalchemy.exc import SAWarning
from tqdm import tqdm

from course_lib.grading import report
from course_lib.grading.cells import to_run
from course_lib.grading.cluster import on_cluster
from course_lib.grading.course import AREA, Course, Work, write_whole
from course_lib.grading.engine import Engine, Settings
from course_lib.grading.hooks import Grading
from course_lib.grading.intake import Submission
from course_lib.grading.orders import NoSandbox
from course_lib.grading.version import fingerprint


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m course_lib.grading",
                                     description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("assignment")
    add("--jobs", type=int, default=2, help="notebooks at a time (2)")
    add("--student", default="*", help="only this student's submission")
    add("--force", action="store_true",
        help="grade again what is graded already; marks given by hand stay")
    add("--scheduler", help="address of a dask.distributed scheduler, tcp://…, whose workers grade")
    add("--export", type=Path, metavar="FILE", help="write the marks as CSV")
    add("--lms", choices=[*report.LMS], default="canvas", help="whose columns the CSV has (canvas)")
    add("--columns", nargs="+", metavar="NAME=TEMPLATE",
        help="other columns, such as 'SIS User ID={student}' 'Exercise 1 (42)={score}'")
    return parser.parse_args(argv)


def on_this_machine(n: int, settings: Settings, work: list[Work]) -> Iterator[tuple[Work, Future]]:
    """Yields each piece of work, and the future of its outputs, as they come in; `n` at a time."""
    with Engine(settings) as engine, ThreadPoolExecutor(n) as pool:
        futures = {pool.submit(engine.grade, to_run(piece.notebook)): piece for piece in work}
        try:
            for future in as_completed(futures):
                yield futures[future], future
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            engine.close()


def main(argv: list[str] | None = None) -> int:
    options = arguments(argv)
    warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's own, of every new submission
    app = AutogradeApp()
    app.initialize([options.assignment, f"--student={options.student}",
                    "--Application.log_level=ERROR"])
    app.coursedir.assignment_id = options.assignment
    try:
        course = Course(app.coursedir)
    except NbGraderException as error:
        sys.exit(str(error))
    results = course.root / AREA / "results" / course.assignment
    app.config.Grading.results = str(results)
    grading = Grading(parent=app)
    results.mkdir(parents=True, exist_ok=True)
    lock = open(course.root / AREA / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit("Somebody else is grading in this folder just now.")
    taken = course.stage_all()
    status, work = {}, []
    for student, submission in taken.items():
        if submission.refused:
            continue
        graded = course.is_done(submission) and course.autograded(student).exists()
        if graded and not options.force:
            status[student] = "as before"
            continue
        for notebook in submission.notebooks.values():
            result = results / f"{fingerprint(notebook, course.assignment)}.json"
            if options.force:
                result.unlink(missing_ok=True)
            work.append(Work(student, notebook, result))

    left = Counter(piece.student for piece in work)
    quiet = None if sys.stderr.isatty() else True
    with tqdm(total=len(left), desc=course.assignment, unit="submission", disable=quiet) as bar:
        def finished(student: str) -> None:
            left[student] -= 1
            if left[student] <= 0:
                status[student] = record(app, course, taken[student], options.force)
                bar.update()

        there = [piece for piece in work if piece.result.exists()]
        work = [piece for piece in work if not piece.result.exists()]
        for piece in there:
            finished(piece.student)
        try:
            for piece, future in graded_work(options, grading, course, work):
                try:
                    write_whole(piece.result, json.dumps(future.result()))
                except Exception as error:
                    status[piece.student] = f"failed: {error}"
                    continue
                finished(piece.student)
        except NoSandbox as error:
            sys.exit(str(error))

    found = report.rows(course, taken, status)
    print(report.table(found))
    if options.export:
        columns = options.columns or report.LMS[options.lms]
        try:
            report.export(found, options.export, columns)
        except ValueError as error:
            sys.exit(f"--columns: {error}")
    return int(any(row["status"].startswith("failed") for row in found))


def graded_work(options: argparse.Namespace, grading: Grading, course: Course,
                work: list[Work]) -> Iterator[tuple[Work, Future]]:
    if not work:
        return iter(())
    settings = grading.settings(course.root, course.released, work[0].notebook)
    if options.scheduler:
        return on_cluster(options.scheduler, settings, work)
    return on_this_machine(options.jobs, settings, work)


def record(app: AutogradeApp, course: Course, submission: Submission, force: bool) -> str:
    """Brings what was found into the gradebook, by nbgrader's own autograde. Returns the
    submission's status."""
    coursedir = course.private()
    coursedir.student_id, coursedir.assignment_id = submission.student, course.assignment
    converter = Autograde(coursedir=coursedir, parent=app)
    converter.exporter_class, converter.force = NotebookExporter, force
    try:
        converter.start()
    except NbGraderException as error:
        return f"failed: {error}"
    course.mark_done(submission)
    return "graded"


if __name__ == "__main__":
    sys.exit(main())
