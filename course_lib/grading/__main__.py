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

from course_lib.grading import late, marks_out, page, report
from course_lib.grading.cells import to_run
from course_lib.grading.cluster import on_cluster
from course_lib.grading.course import Course, Work, write_whole
from course_lib.grading.engine import Engine, Settings, timed
from course_lib.grading.files import AREA
from course_lib.grading.hooks import Grading
from course_lib.grading.intake import Submission
from course_lib.grading.orders import NoSandbox
from course_lib.grading.waiting import wait_for_gradebook


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m course_lib.grading",
                                     description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("assignment")
    add("--jobs", type=int, default=2, help="notebooks at a time (2)")
    add("--student", default="*", help="only this student's submission")
    add("--force", action="store_true",
        help="grade again what is graded already; marks given by hand stay")
    add("--due", metavar="DATE", help="the due date, such as '2027-05-01 12:00 Europe/Berlin'")
    add("--extend", nargs=2, action="append", metavar=("STUDENT", "TIME"), default=[],
        help="more time for a student: '2 days', or a date; 0 takes it back")
    add("--scheduler", help="address of a dask.distributed scheduler, tcp://…, whose workers grade")
    add("--export", type=Path, metavar="FILE", help="write the marks as CSV")
    add("--into", type=Path, metavar="TABLE", help="write the marks into the table that Moodle, "
        "Canvas or Blackboard gave: Moodle's grading worksheet, a gradebook; or, with --export, "
        "into a copy of it")
    add("--title", default="", help="the assignment's column there, where it has another name")
    add("--lms", choices=[*marks_out.LMS], default="canvas",
        help="whose columns the CSV has (canvas), without a table")
    add("--columns", nargs="+", metavar="NAME=TEMPLATE",
        help="other columns, such as 'SIS User ID={student}' 'Exercise 1 (42)={score}'")
    add("--report", type=Path, nargs="?", const=page.USUAL, metavar="FILE",
        help="write a page about the whole class, and its tables as CSV beside it "
             f"({page.USUAL / 'ASSIGNMENT.html'})")
    add("--pseudonyms", action="store_true", help="the report names nobody")
    options = parser.parse_args(argv)
    if options.report and options.student != "*":
        parser.error("a report is about the whole class: leave out --student")
    return options


def on_this_machine(n: int, settings: Settings, work: list[Work]) -> Iterator[tuple[Work, Future]]:
    """Yields each piece of work, and the future of its outputs, as they come in; `n` at a time."""
    with Engine(settings) as engine, ThreadPoolExecutor(n) as pool:
        run = lambda piece: timed(engine, to_run(piece.read()))     # read when its turn comes
        futures = {pool.submit(run, piece): piece for piece in work}
        try:
            for future in as_completed(futures):
                yield futures.pop(future), future
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            engine.close()


def main(argv: list[str] | None = None) -> int:
    sys.stdout.reconfigure(errors="backslashreplace")       # a name stops no terminal
    options = arguments(argv)
    wait_for_gradebook()
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
    set_times(options, course)
    taken = course.stage_all()
    try:
        lateness = late.settle(app.coursedir, course.assignment, course.times(taken), app)
    except NbGraderException as error:
        sys.exit(str(error))
    status, work = {}, []
    for student, submission in taken.items():
        if submission.refused:
            continue
        graded = course.is_done(submission) and course.autograded(student).exists()
        if graded and not options.force:
            status[student] = "as before"
            continue
        for name, key in submission.keys.items():
            result = results / f"{key}.json"
            if options.force:
                result.unlink(missing_ok=True)
            staged = course.staged(student).absolute() / f"{name}.ipynb"
            work.append(Work(student, staged, result))

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

    found = report.rows(course, taken, status | lateness)
    if due := late.said_due(app.coursedir, course.assignment, app.config):
        print(due)
    print(report.table(found))
    try:
        if options.into:
            said = marks_out.fill(found, options.into, options.export or options.into,
                                  course.assignment, options.title)
            print(*said, sep="\n", end="\n" * bool(said))
        elif options.export:
            marks_out.export(found, options.export, options.columns or marks_out.LMS[options.lms])
    except (ValueError, OSError) as error:
        sys.exit(f"--{'into' if options.into else 'columns'}: {error}")
    if options.report:
        print("The report:", page.write(course, taken, found, options.report, options.pseudonyms))
    return int(any(row["status"].startswith("failed") for row in found))


def set_times(options: argparse.Namespace, course: Course) -> None:
    """Writes the due date and the extensions that the command names into the gradebook."""
    try:
        if options.due:
            late.set_due(course.dir, course.assignment, options.due)
        for student, text in options.extend:
            late.extend(course.dir, course.assignment, student, text, course.students())
    except ValueError as why:
        sys.exit(f"{why} Nothing is graded.")


def graded_work(options: argparse.Namespace, grading: Grading, course: Course,
                work: list[Work]) -> Iterator[tuple[Work, Future]]:
    if not work:
        return iter(())
    settings = grading.settings(course.root, course.released, work[0].read())
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
