"""Grades an assignment in parallel: python -m course_lib.grading ex01_minimax --jobs 2

Kernels and checkers run side by side; what they find is kept in .grading/results as it comes, and one writer, nbgrader's
own autograde, brings it into the gradebook. Killed at any moment and started again, it goes on where it was.
"""
import argparse
import fcntl
import json
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from sqlalchemy.exc import SAWarning
from tqdm import tqdm

from course_lib.grading import report
from course_lib.grading.engine import Engine
from course_lib.grading.hooks import AREA, Course, Grading, jobs, key, write
from course_lib.grading.sandbox import NoSandbox


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m course_lib.grading", description=__doc__.split("\n")[0])
    parser.add_argument("assignment")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks at a time (2)")
    parser.add_argument("--student", default="*", help="only this student's submission")
    parser.add_argument("--force", action="store_true", help="grade again what is graded already; marks given by hand stay")
    parser.add_argument("--scheduler", help="address of a dask.distributed scheduler, tcp://…, whose workers grade")
    parser.add_argument("--export", type=Path, metavar="FILE", help="write the marks as CSV")
    parser.add_argument("--lms", choices=[*report.LMS], default="canvas", help="whose columns the CSV has (canvas)")
    parser.add_argument("--columns", nargs="+", metavar="NAME=TEMPLATE",
                        help="other columns, such as 'SIS User ID={student}' 'Exercise 1 (42)={score}'")
    return parser.parse_args(argv)


def local(grading: Grading, course: Course, work: dict, n: int):
    """Yields the (student, notebook) of each piece of work as its outputs, or the error, come in."""
    _, _, notebook = next(iter(work.values()))
    settings = grading.settings(course.root, course.root / course.dir.release_directory / course.assignment, notebook)
    with Engine(*settings) as engine, ThreadPoolExecutor(n) as pool:
        futures = {pool.submit(engine.grade, jobs(nb)): where for where, (_, _, nb) in work.items()}
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
    app.initialize([options.assignment, f"--student={options.student}", "--Application.log_level=ERROR"])
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
    status, work, left = {}, {}, {}
    for student, submission in taken.items():
        if submission.refused:
            continue
        if not options.force and course.is_done(submission) and course.autograded(student).exists():
            status[student] = "as before"
            continue
        left[student] = len(submission.notebooks)
        for name, notebook in submission.notebooks.items():
            stored = results / f"{key(notebook)}.json"
            if options.force:
                stored.unlink(missing_ok=True)
            work[student, name] = student, stored, notebook

    with tqdm(total=len(left), desc=course.assignment, unit="submission", disable=None if sys.stderr.isatty() else True) as bar:
        def finished(student: str) -> None:
            left[student] -= 1
            if left[student] <= 0:
                status[student] = record(app, course, taken[student], options.force)
                bar.update()

        for student, name in [where for where, (_, stored, _) in work.items() if stored.exists()]:
            del work[student, name]
            finished(student)
        try:
            if work and options.scheduler:
                from course_lib.grading.cluster import spread
                coming = spread(options.scheduler, grading, course, work)
            else:
                coming = local(grading, course, work, options.jobs) if work else ()
            for (student, name), future in coming:
                try:
                    write(work[student, name][1], json.dumps(future.result()))
                except Exception as error:
                    status[student] = f"failed: {error}"
                    continue
                finished(student)
        except NoSandbox as error:
            sys.exit(str(error))

    found = report.rows(course, taken, status)
    print(report.table(found))
    if options.export:
        try:
            report.export(found, options.export, options.columns or report.LMS[options.lms])
        except ValueError as error:
            sys.exit(f"--columns: {error}")
    return int(any(row["status"].startswith("failed") for row in found))


def record(app: AutogradeApp, course: Course, submission, force: bool) -> str:
    """Brings what was found into the gradebook, by nbgrader's own autograde. Returns the submission's status."""
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
