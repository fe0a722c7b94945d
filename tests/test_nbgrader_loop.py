"""Each exercise from release to marks, graded in one parallel run, on a copy of the course.

`nbgrader autograde` gives the same: tests/test_attacks.py and the formgrader's button go that way.
"""
import csv
import html

import nbformat
import pytest
from course import Course, with_answers
from exercise import ROOT, questions

from course_lib.hidden import answers

EXERCISES = sorted(path.name for path in (ROOT / "solutions").glob("ex*"))
WRONG = 8                  # notebooks of wrong answers an exercise
SHOWN = "*0"               # whose feedback is made, since a page takes a second: wrong0 and right0
COLUMNS = ("student_id={student}", "score={score}", "max_score={max_score}")
# What hardly depends on the exercise and takes long: one exercise in CI, all in `make test-all`.
REST = [pytest.param(name, marks=pytest.mark.slow) for name in EXERCISES[1:]]
ONES = pytest.mark.parametrize("course", [EXERCISES[0], *REST], indirect=True)
ONE = lambda test: pytest.mark.shared(ONES(test))
pytestmark = pytest.mark.loop
marks = lambda cell: cell.metadata.get("nbgrader", {})


@pytest.fixture(scope="module", params=EXERCISES)
def course(request, tmp_path_factory, thorough):
    """One run of the whole loop: eleven submissions, graded in one call, with feedback and marks.
    Right answers take longest, so `make test-all` has another notebook of them."""
    name = request.param
    course = Course(tmp_path_factory.mktemp("course"), name)
    known, blank, course.right = answers(name), course.blank(), 1 + thorough
    submissions = {"blank": blank, "solution": course.master()}
    submissions |= {f"wrong{k}": with_answers(blank, "wrong", k, known) for k in range(WRONG)}
    submissions |= {f"right{k}": with_answers(blank, "right", k, known)
                    for k in range(course.right)}
    for student, notebook in submissions.items():
        course.submit(student, notebook)
    course.grade("--jobs", "2", "--export", "marks.csv", "--columns", *COLUMNS)
    course.nbgrader("generate_feedback", name, f"--student={SHOWN}")
    return course


def test_the_release_is_what_is_committed(course):
    name, folder = course.name, course.folder / "exercises"
    for path in (folder / course.name).rglob("*"):
        committed = ROOT / "exercises" / path.relative_to(folder)
        same = committed.read_bytes() == path.read_bytes()
        assert same, f"{committed} is not what nbgrader builds: run `make release`"
    text = (folder / name / f"{name}.ipynb").read_text()
    assert "SOLUTION" not in text and "HIDDEN TESTS" not in text


def test_the_blank_release_scores_nothing_and_the_solution_everything(course):
    book, points = course.scores(), questions(course.name)
    for question, most in points.items():
        blank, solution = book["blank"][question], book["solution"][question]
        assert blank == 0, f"the blank release earns {blank} in {question}"
        assert solution == most, f"the solution earns {solution} of {most} in {question}"


def test_each_wrong_answer_loses_its_points_and_each_right_one_keeps_them(course):
    book, points = course.scores(), questions(course.name)
    for k in range(WRONG):
        for question, most in points.items():
            got, partial = book[f"wrong{k}"][question], question == "proof"
            assert got < most and (got == 0 or partial), f"wrong answer {k} to {question}: {got}"
    for k in range(course.right):
        for question, most in points.items():
            got = book[f"right{k}"][question]
            assert got == most, f"right answer {k} to {question} earns {got} of {most}"


@ONE
def test_validate_shows_what_teaches(course):
    """Two notebooks in one call: one wrong answer where the others are blank, and all right."""
    name, first = course.name, next(iter(questions(course.name)))
    wrong = with_answers(course.blank(), "wrong", 0, answers(name), only=first)
    nbformat.write(wrong, course.folder / "wrong.ipynb")
    said = course.nbgrader("validate", "wrong.ipynb", f"submitted/right0/{name}/{name}.ipynb")
    assert "AssertionError" in said and "expected" in said and "HIDDEN" not in said
    assert "NotImplementedError" in said
    assert said.count("Success") == 1 and "Success" in said.rstrip().splitlines()[-1]


def the_marks(course) -> dict[str, dict[str, float]]:
    """student -> score and max_score, as marks.csv has them."""
    with open(course.folder / "marks.csv") as file:
        return {row["student_id"]: {column: float(row[column]) for column in ("score", "max_score")}
                for row in csv.DictReader(file)}


def test_feedback_and_marks_come_out(course):
    name, folder, marked = course.name, course.folder, the_marks(course)
    pages = {path.parts[-3] for path in (folder / "feedback").glob(f"*/{name}/{name}.html")}
    assert pages == {"wrong0", "right0"}
    most = sum(marks(c)["points"] for c in course.master().cells if marks(c).get("grade"))
    assert len(marked) == 2 + WRONG + course.right
    assert marked["blank"] == {"score": 0, "max_score": most}
    assert marked["solution"] == {"score": sum(questions(name).values()), "max_score": most}


@ONE
def test_nbgraders_own_export_gives_the_same(course):
    before = the_marks(course)
    course.nbgrader("export", "--to", "marks.csv")
    assert the_marks(course) == before


def test_feedback_is_what_the_tests_said(course):
    page = html.unescape(course.feedback("wrong0"))
    for question in questions(course.name):
        said = course.said("wrong0", question)
        assert said or question == "proof", question         # a proof may have earned some points
        assert all(line.rstrip() in page for line in said.splitlines()), question


def test_a_test_names_the_slip_and_never_a_wrong_one(course):
    named, wrong = dict.fromkeys(questions(course.name), 0), []
    for question in named:
        files = sorted((answers(course.name) / question).glob("wrong_*.py"))
        slips = [file.read_text().split("\n", 1)[0].lstrip("# ") for file in files]
        for k in range(WRONG if files else 0):
            text, mine = course.said(f"wrong{k}", question), slips[k % len(files)]
            said = [slip for slip in slips if f"a well-known slip does: it {slip}." in text]
            named[question] += said == [mine]
            wrong += [(question, mine, said)] if said not in ([], [mine]) else []
    assert not wrong
    assert all(n >= WRONG / 2 for question, n in named.items() if question != "proof"), named


def test_the_rubric_stands_beside_the_answer_for_the_marker_only(course):
    marked = [c for c in course.master().cells if marks(c).get("grade") and marks(c)["solution"]]
    seen, page = course.graded("right0").cells, course.feedback("right0")
    for written in marked:
        ids = [marks(c).get("grade_id") for c in seen]
        rubric = seen[ids.index(marks(written)["grade_id"]) + 1].source.splitlines()[-1]
        assert rubric in written.source and len(rubric) > 40, "the master's, with its rubric"
        assert rubric[:40] not in html.unescape(page) and "For the marker" not in page


@ONE
def test_formgraders_button_grades_in_the_same_way(course):
    before = course.scores()
    (course.folder / "button.py").write_text(BUTTON.format(course.name))
    said = course.run("button")
    assert "Traceback" not in said and course.scores() == before
    rubrics = [c for c in course.graded("right0").cells if c.id.startswith("rubric-")]
    assert rubrics, "it went through the course's own grading"


BUTTON = """
import sys
from nbgrader.apps import NbGraderAPI
from nbgrader.apps.baseapp import NbGrader
from nbgrader.coursedir import CourseDirectory

app = NbGrader()
app.load_config_file()
done = NbGraderAPI(CourseDirectory(parent=app), parent=app).autograde("{}", "right0")
print(done["log"])
sys.exit(not done["success"])
"""
