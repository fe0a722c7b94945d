"""The course from release to marks, by nbgrader's own commands, on a copy of the course in a temporary folder."""
import csv
import html
import re

import nbformat
import pytest
from course import Course, with_answers
from exercise import ROOT, questions

from course_lib.hidden import answers

EXERCISES = sorted(path.name for path in (ROOT / "solutions").glob("ex*"))
WRONG, RIGHT = 8, 2                                # notebooks of wrong and of right answers an exercise
# What hardly depends on the exercise and takes a minute: one exercise in CI, all in `make test-all`.
REST = [pytest.param(name, marks=pytest.mark.slow) for name in EXERCISES[1:]]
ONE = pytest.mark.parametrize("course", [EXERCISES[0], *REST], indirect=True)


@pytest.fixture(scope="module", params=EXERCISES)
def course(request, tmp_path_factory):
    """One run of the whole loop: eleven or more submissions, graded in one call, with feedback and marks."""
    name = request.param
    course = Course(tmp_path_factory.mktemp("course"), name)
    known, blank = answers(name), course.blank()
    submissions = {"blank": blank, "solution": course.master()}
    submissions |= {f"wrong{k}": with_answers(blank, "wrong", k, known) for k in range(WRONG)}
    submissions |= {f"right{k}": with_answers(blank, "right", k, known) for k in range(RIGHT)}
    for student, notebook in submissions.items():
        course.submit(student, notebook)
    course.nbgrader("autograde", name)
    course.nbgrader("generate_feedback", name)
    course.nbgrader("export", "--to", "marks.csv")
    return course


@pytest.mark.loop
def test_the_release_is_what_is_committed(course):
    name, folder = course.name, course.folder
    for path in (folder / "exercises" / name).rglob("*"):
        committed = ROOT / "exercises" / path.relative_to(folder / "exercises")
        assert committed.read_bytes() == path.read_bytes(), f"{committed} is not what nbgrader builds: run `make release`"
    assert "SOLUTION" not in (text := (folder / "exercises" / name / f"{name}.ipynb").read_text()) and "HIDDEN TESTS" not in text


@pytest.mark.loop
def test_the_blank_release_scores_nothing_and_the_solution_everything(course):
    book, points = course.scores(), questions(course.name)
    for question, most in points.items():
        assert book["blank"][question] == 0, f"the blank release earns {book['blank'][question]} in {question}"
        assert book["solution"][question] == most, f"the solution earns {book['solution'][question]} of {most} in {question}"


@pytest.mark.loop
def test_each_wrong_answer_loses_its_points_and_each_right_one_keeps_them(course):
    book, points = course.scores(), questions(course.name)
    for k in range(WRONG):
        for question, most in points.items():
            got = book[f"wrong{k}"][question]
            assert got < most and (got == 0 or question == "proof"), f"wrong answer {k} to {question} earns {got} of {most}"
    for k in range(RIGHT):
        for question, most in points.items():
            got = book[f"right{k}"][question]
            assert got == most, f"right answer {k} to {question} earns {got} of {most}"


@ONE
@pytest.mark.loop
def test_validate_shows_what_teaches(course):
    name, folder, nbgrader = course.name, course.folder, course.nbgrader
    submission = folder / "submitted" / "wrong0" / name / f"{name}.ipynb"
    said = nbgrader("validate", str(submission.relative_to(folder)))
    assert "AssertionError" in said and "expected" in said and "HIDDEN" not in said
    assert "NotImplementedError" in nbgrader("validate", f"exercises/{name}/{name}.ipynb")
    assert "Success" in nbgrader("validate", f"submitted/right0/{name}/{name}.ipynb")


@pytest.mark.loop
def test_feedback_and_marks_come_out(course):
    name, folder = course.name, course.folder
    assert len(list((folder / "feedback").glob(f"*/{name}/{name}.html"))) == 2 + WRONG + RIGHT
    with open(folder / "marks.csv") as file:
        marks = {row["student_id"]: row for row in csv.DictReader(file)}
    assert float(marks["blank"]["score"]) == 0
    assert float(marks["solution"]["score"]) == sum(questions(name).values())
    assert float(marks["solution"]["max_score"]) == sum(
        cell.metadata.nbgrader.points for cell in course.master().cells if cell.metadata.get("nbgrader", {}).get("grade"))


@pytest.mark.loop
def test_feedback_names_the_slip_and_never_a_wrong_one(course):
    named, wrong = dict.fromkeys(questions(course.name), 0), []
    for k in range(WRONG):
        failures = re.split(r"\bin test_", html.unescape(course.feedback(f"wrong{k}")))
        for question in questions(course.name):
            text = next((failure for failure in failures if re.match(rf"{question}\b", failure)), "")
            files = sorted((answers(course.name) / question).glob("wrong_*.py"))
            slips = [file.read_text().split("\n", 1)[0].lstrip("# ") for file in files]
            said = [slip for slip in slips if f"a well-known slip does: it {slip}." in text]
            named[question] += said == [slips[k % len(files)]]
            wrong += [(question, slips[k % len(files)], said)] if said not in ([], [slips[k % len(files)]]) else []
    assert not wrong
    assert all(n >= WRONG / 2 for question, n in named.items() if question != "proof"), named


@pytest.mark.loop
def test_the_rubric_stands_beside_the_answer_for_the_marker_only(course):
    marked = [c for c in course.master().cells if c.metadata.get("nbgrader", {}).get("grade") and c.metadata.nbgrader.solution]
    seen = nbformat.read(course.folder / "autograded" / "right0" / course.name / f"{course.name}.ipynb", as_version=4).cells
    for cell in marked:
        at = next(i for i, c in enumerate(seen) if c.metadata.get("nbgrader", {}).get("grade_id") == cell.metadata.nbgrader.grade_id)
        rubric = seen[at + 1].source.splitlines()[-1]
        assert rubric in cell.source and len(rubric) > 40, "the cell below a written answer is the master's, with its rubric"
        assert rubric[:40] not in html.unescape(course.feedback("right0")) and "For the marker" not in course.feedback("right0")


@ONE
@pytest.mark.loop
def test_formgraders_button_grades_in_the_same_way(course):
    before = course.scores()
    button = ("import sys\nfrom nbgrader.apps import NbGraderAPI\nfrom nbgrader.apps.baseapp import NbGrader\n"
              "app = NbGrader(); app.load_config_file()\n"
              "from nbgrader.coursedir import CourseDirectory\n"
              "api = NbGraderAPI(CourseDirectory(parent=app), parent=app)\n"
              f"done = api.autograde('{course.name}', 'right0')\nprint(done['log'])\nsys.exit(not done['success'])\n")
    (course.folder / "button.py").write_text(button)
    said = course.run("button")
    assert "Traceback" not in said and course.scores() == before
    outputs = nbformat.read(course.folder / "autograded" / "right0" / course.name / f"{course.name}.ipynb", as_version=4)
    assert any(c.id.startswith("rubric-") for c in outputs.cells), "it went through the course's own grading"
