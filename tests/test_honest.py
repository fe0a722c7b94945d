"""Honest but unusual submissions keep all their points; and what else instructors count on:
regrading, lateness, exports."""
import csv
import html
import re

import honest
import nbformat
import pytest
from course import Course, cell, on_one_seed
from exercise import questions
from honest import NAME, answer
from honest.files import in_a_zip

from course_lib.grading.intake import called

UNUSUAL = honest.load()
ENDLESS = "endless_cells"                              # graded by itself, for it waits for a limit
SHORT = """
import os
if "SHORT" in os.environ:
    c.Grading.cell_timeout = 15
"""
pytestmark = pytest.mark.loop


@pytest.fixture(scope="module")
def graded(tmp_path_factory, thorough):
    course = Course(tmp_path_factory.mktemp("honest"), NAME, SHORT)
    course.release_anew(course.master() if thorough else on_one_seed(course.master()))
    for change in UNUSUAL:
        if change != ENDLESS:
            honest.hand_in(course, change)
    course.submit("blank", course.blank())
    course.grade("--jobs", "2")
    honest.hand_in(course, ENDLESS)
    said = course.grade(env={"SHORT": "1"})
    course.nbgrader("generate_feedback", NAME)
    return course, said, course.scores()


def row(said: str, student: str) -> str:
    """What the table says of a student."""
    return next((line for line in said.splitlines() if line.startswith(called(student) + "  ")), "")


@pytest.mark.parametrize("change", UNUSUAL)
def test_an_honest_submission_keeps_all_its_points(graded, change):
    (course, said, scores), student = graded, honest.AS.get(change, change)
    assert student in scores, row(said, student) or "no row in the table"
    got, most = scores[student], questions(NAME)
    assert not {question: got[question] for question in most if got[question] != most[question]}
    assert len(course.feedback(student)) > 10_000


def test_all_are_in_the_table(graded):
    said = graded[1]
    assert not [change for change in UNUSUAL if not row(said, honest.AS.get(change, change))]
    renamed = next(change for change in UNUSUAL if change.endswith("renamed"))
    assert "my solution (2) final.ipynb was taken for ex01_minimax.ipynb" in row(said, renamed)


def test_a_cell_that_takes_too_long_is_interrupted_and_its_kernel_goes_on(graded):
    cells = graded[0].graded(ENDLESS).cells
    endless = [c for c in cells if c.source.startswith("while True:\n    pass")]
    errors = [output.ename for output in endless[0].outputs if output.output_type == "error"]
    assert errors == ["KeyboardInterrupt"]


def test_feedback_of_a_blank_release_teaches_and_hides(graded):
    course, page = graded[0], graded[0].feedback("blank")
    text = html.unescape(re.sub(r"<[^>]*>", "", page))
    visible, hidden = cell(course.master(), "test_jsd").source.split("### BEGIN HIDDEN TESTS")
    long = lambda line: len(line) > 12 and "HIDDEN" not in line
    lines = lambda source: [line.strip() for line in filter(long, source.splitlines())]
    assert "NotImplementedError" in text and "in test_game_value" in text
    assert all(line in text for line in lines(visible))
    assert lines(hidden) and not any(line in text for line in lines(hidden))
    assert "HIDDEN TESTS" not in text and str(course.folder) not in page


def test_a_warning_on_stderr_is_shown_and_no_error(graded):
    student = next(change for change in UNUSUAL if change.startswith("warns_on_stderr"))
    text = html.unescape(re.sub(r"<[^>]*>", "", graded[0].feedback(student)))
    assert "careful" in text and "UserWarning" in text and "AnswerError" not in text


def test_what_cannot_work_in_grading_is_ignored_and_told(graded):
    student = next(change for change in UNUSUAL if change.startswith("compiles"))
    text = html.unescape(re.sub(r"<[^>]*>", "", graded[0].feedback(student)))
    for said in ("figures are pictures", "nothing is installed", "nobody can answer",
                 "google.colab is not there", "%load_ext does not work", "runs its cell once",
                 "nothing is compiled"):
        assert said in text, said
    shown = [output for c in graded[0].graded(student).cells for output in c.get("outputs", ())]
    assert not [output for output in shown if output.output_type == "error"]


PARTLY = questions(NAME)["game_value"] + questions(NAME)["jsd"]
LATE = """
import sys
sys.path.insert(0, c.CourseDirectory.root)
c.AssignLatePenalties.plugin_class = "lateness.OnePoint"
"""
PLUGIN = """
from nbgrader.plugins import LateSubmissionPlugin

class OnePoint(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 1
"""


def partly(course):
    """Two right answers, quickly graded, and a text for a person to mark."""
    notebook, master = course.blank(), course.master()
    for question in ("game_value", "jsd"):
        answer(notebook, question, cell(master, question).source)
    answer(notebook, "written", "My own thoughts.")
    return notebook


@pytest.fixture(scope="module")
def semester(tmp_path_factory):
    """Early, late, two late ones that say that they are early, and one that a person marked."""
    from nbgrader.api import Gradebook
    course = Course(tmp_path_factory.mktemp("semester"), NAME, LATE)
    (course.folder / "lateness.py").write_text(PLUGIN)
    course.nbgrader("db", "assignment", "add", NAME, "--duedate=2027-05-01 12:00:00 UTC")
    for student in ("early", "late", "marked"):
        course.submit(student, partly(course))
    (course.handed_in("early") / "timestamp.txt").write_text("2027-04-30 12:00:00 UTC")
    (course.handed_in("late") / "timestamp.txt").write_text("2027-05-02 12:00:00 UTC")
    name, data = in_a_zip(partly(course))
    (course.handed_in("zipped") / name).write_bytes(data)
    (course.handed_in("zipped") / "timestamp.txt").write_text("2027-05-02 12:00:00 UTC")
    course.submit("garbled", partly(course))
    (course.handed_in("garbled") / "timestamp.txt").write_bytes(b"\xff\xfe yesterday, I swear")
    first = course.grade()
    with Gradebook(f"sqlite:///{course.folder}/gradebook.db") as book:
        book.find_grade("written", NAME, NAME, "marked").manual_score = 3.5
        book.db.commit()
    return course, first


def test_lateness_is_what_the_collector_says(semester):
    rows = {line.split()[0]: line for line in semester[1].splitlines()}
    assert f" {PARTLY}/35" in rows["early"] and "points off" not in rows["early"]
    for who in ("late", "zipped"):
        assert f" {PARTLY - 1}/35" in rows[who] and "1 points off for lateness" in rows[who]
    assert f" {PARTLY}/35" in rows["garbled"] and "unreadable timestamp" in rows["garbled"]


def test_regrading_keeps_marks_and_grades_what_changed(semester):
    course = semester[0]
    changed = partly(course)
    answer(changed, "game_value", "pass")
    course.submit("early", changed)
    rows = {line.split()[0]: line for line in course.grade().splitlines()}
    assert f" {questions(NAME)['jsd']}/35" in rows["early"] and "graded" in rows["early"]
    assert "as before" in rows["late"] and f" {PARTLY + 3.5}/35" in rows["marked"]
    row, = course.grade("--force", "--student=marked").splitlines()[-1:]
    assert row.startswith("marked") and f" {PARTLY + 3.5}/35" in row and "as before" not in row
    course.nbgrader("autograde", NAME, "--force", "--student=marked")
    assert course.scores()["marked"]["written"] == 3.5


def test_marks_come_out_for_learning_platforms(semester):
    course = semester[0]
    own = ["--columns", "Who={student}", "Exercise {assignment}={score}"]
    for options, student, score in ((["--lms", "canvas"], "SIS User ID", NAME),
                                    (["--lms", "moodle"], "Username", NAME),
                                    (own, "Who", f"Exercise {NAME}")):
        course.grade("--export", "marks.csv", *options)
        with open(course.folder / "marks.csv", newline="") as file:
            rows = {row[student]: row for row in csv.DictReader(file)}
        assert rows.keys() == {"early", "late", "marked", "zipped", "garbled"}
        assert float(rows["late"][score]) == PARTLY - 1
        assert float(rows["marked"][score]) == PARTLY + 3.5


def test_nbgraders_own_notebooks_are_valid(graded):
    for path in (graded[0].folder / "autograded").rglob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))
