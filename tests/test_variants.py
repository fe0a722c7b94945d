"""Numbers of their own for each student: every number that an exercise lists is fit for it, and
grading knows whose are which."""
import contextlib
import io
import itertools
import json
import re
from types import SimpleNamespace

import nbformat
import pytest
from course import cell
from exercise import ROOT, cells, nbgrader, questions, solution
from made_up import marked, released
from nbgrader.validator import Validator

from course_lib.grading.capitals import (
    Variants,
    choices,
    draw,
    first,
    numbers,
    record,
    with_numbers,
)
from course_lib.grading.cells import Reads, names_in
from course_lib.grading.course import write_whole
from course_lib.grading.variants import main
from course_lib.hidden import answers

EXERCISES = sorted(path.name for path in (ROOT / "solutions").glob("ex*"))
HIDDEN = r"(?s)(.*?)### BEGIN HIDDEN TESTS(.*?)### END HIDDEN TESTS"
by_exercise = pytest.mark.parametrize("name", EXERCISES)


def master(name: str):
    return nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)


def parts(name: str, question: str) -> tuple[str, str]:
    """A test's source, what students see of it, and the rest."""
    test = next(c.source for c in cells(name) if nbgrader(c).get("grade_id") == f"test_{question}")
    return re.match(HIDDEN, test).groups()


def instructors(name: str) -> list[str]:
    """The cells that run for every student, the first one included."""
    return [c.source for c in cells(name) if c.cell_type == "code" and nbgrader(c)["locked"]
            and not nbgrader(c)["grade"]]


def holds(name: str, question: str, answer: str, given: dict[str, str]) -> None:
    """The visible test of a question, with these numbers and this answer."""
    setup, *more = instructors(name)
    space: dict = {}
    for source in (with_numbers(setup, given), *more, answer, parts(name, question)[0]):
        exec(source, space)


def right(name: str, question: str) -> list[str]:
    files = sorted((answers(name) / question).glob("right_*.py"))
    return [solution(name, question), *(path.read_text() for path in files)]


@by_exercise
def test_hidden_tests_and_known_answers_read_no_number_that_varies(name):
    """So what is right stays right, and what is wrong stays wrong, whichever numbers are drawn."""
    varies = set(choices(master(name)))
    for question in questions(name):
        sources = [parts(name, question)[1], *right(name, question)]
        sources += [path.read_text() for path in (answers(name) / question).glob("*.py")]
        assert not [source for source in sources if names_in(source)[0] & varies]
    assert not set().union(*(names_in(source)[0] & varies for source in instructors(name)))


def test_every_exercise_of_the_course_can_vary():
    assert sum(bool(choices(master(name))) for name in EXERCISES) >= 9


def in_use(name: str, question: str) -> dict[str, list]:
    """The numbers that vary and that a visible test reads, with their values."""
    reads, listed = Reads(), choices(master(name))
    for source in instructors(name):
        reads.seen(source)
    return {capital: values for capital, values in listed.items()
            if capital in reads.needs(parts(name, question)[0])}


@pytest.mark.slow
@pytest.mark.parametrize("name, question", [
    (name, question) for name in EXERCISES for question in questions(name)])
def test_right_answers_pass_with_all_numbers(name, question):
    """Every combination of the numbers that a visible test reads."""
    used = in_use(name, question)
    for values in itertools.product(*used.values()):
        given = dict(zip(used, map(repr, values)))
        for answer in right(name, question):
            try:
                holds(name, question, answer, given)
            except Exception as error:
                pytest.fail(f"{given}: {type(error).__name__}: {error}")


SOURCE = """# ö, so that bytes are no characters
K, RHO = -3.0, 0.25  # K and 0.25
T = 5; name = "T = 5"
if T:
    RHO = 1
"""


def test_a_number_is_replaced_where_it_stands_and_nothing_else():
    assert numbers(SOURCE) == {"K": "-3.0", "RHO": "0.25", "T": "5"}
    changed = with_numbers(SOURCE, {"RHO": "1e-05", "K": "2", "T": "6", "name": "7"})
    assert changed.splitlines() == ["# ö, so that bytes are no characters",
                                    "K, RHO = 2, 1e-05  # K and 0.25",
                                    'T = 6; name = "T = 5"', "if T:", "    RHO = 1"]
    assert with_numbers("K = ", {"K": "1"}) == "K = " and numbers("(" * 9999) == {}


def test_numbers_are_drawn_from_a_name_and_a_secret():
    given = {"A": [1, 2, 3, 4], "B": [0.5, 0.25]}
    names = [f"s{i}" for i in range(40)]
    drawn = [draw("salt", "ex", name, given) for name in names]
    assert drawn == [draw("salt", "ex", name, given) for name in names]
    assert {one["A"] for one in drawn} == set("1234")
    assert drawn != [draw("other", "ex", name, given) for name in names]
    assert drawn != [draw("salt", "ex2", name, given) for name in names]
    assert draw("salt", "ex", "Zoe\u0308", given) == draw("salt", "ex", "Zo\u00eb", given)


@pytest.mark.parametrize("listed, why", [
    ({"NO": [1, 2]}, "gives NO no number"), ({"PI": [0.3]}, "two numbers or more"),
    ({"PI": [0.3, 0.3]}, "two numbers or more"), ({"PI": [0.3, True]}, "two numbers or more")])
def test_a_list_that_cannot_be_drawn_from_is_refused(listed, why):
    notebook = master(EXERCISES[0])
    notebook.metadata.course["variants"] = listed
    with pytest.raises(ValueError, match=why):
        choices(notebook)


def settled(tmp_path, *cells) -> tuple[list[str], str]:
    """The cells and notes of ada, whose numbers are PI = 0.2 and A = 0.7."""
    ada = {"of": "ada", "numbers": {"PI": "0.2", "A": "0.7"}}
    write_whole(record(tmp_path, "ex"), json.dumps({"salt": "s", "students": {"ada": ada}}))
    nb, there = nbformat.v4.new_notebook(cells=cells), Variants(tmp_path, "ex")
    there.put(nb, "ada")
    there.put(nb, "bea")
    submission = SimpleNamespace(student="ada", refused="", notebooks={"ex": nb}, notes=[])
    there.settle(submission)
    there.given("ada", {"ex": nb}, {"ex": {}})
    return [c.source for c in nb.cells], " ".join(submission.notes)


def own(source: str):
    return nbformat.v4.new_code_cell(source, id=f"extra-{source[0]}")


def test_own_cells_before_the_first_answer_have_the_students_numbers_and_no_later_ones(tmp_path):
    start, answer = marked("PI, A = 0.3, 0.9", "setup"), marked("pass", "one", solution=True)
    cells, said = settled(tmp_path, start, own("PI = 0.3"), own("A = 5"), answer,
                          own("PI, A = 0.9, 7"))
    assert cells == ["PI, A = 0.2, 0.7", "PI = 0.2", "A = 0.7", "pass", "PI, A = 0.9, 7"]
    assert said.endswith("other numbers than theirs: PI = 0.3, A = 5")
    assert "other numbers" not in settled(tmp_path, start, answer, own("PI, A = 0.9, 7"))[1]


def test_a_notebook_without_code_of_the_instructors_stands_no_other_in_the_way(tmp_path):
    text = nbformat.v4.new_markdown_cell("Why?")
    assert settled(tmp_path, text, own("x = 1"))[0] == ["Why?", "x = 1"]
    notebook = nbformat.v4.new_notebook(cells=[text])
    notebook.metadata["course"] = {"variants": {"PI": [0.2, 0.3]}}
    with pytest.raises(ValueError, match="gives PI no number"):
        choices(notebook)


NAME = "ex00_numbers"
CELLS = [("PI = 0.3    # ö\nA = 0.9     # this year's", "setup", None, False),
         ("def twice(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
          "twice", None, True),
         ('assert twice(PI) == 2 * PI, f"outside {PI}"', "test_twice", 1, False)]
WRONG = "def twice(x):\n    return 0\n\nprint('inside', PI)"
GROUPS = "id;group\r\nada;Größe\r\nbea;Größe\r\n"              # as Excel in Germany saves it


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """ada and bea share numbers; cem has others, and dan, a stranger, none. bea hands in what she
    got, cem what ada got, ada the release itself with a cell of her own in front."""
    course = released(tmp_path_factory.mktemp("variants"), NAME, [marked(*c) for c in CELLS],
                      variants={"PI": [0.2, 0.25, 0.35, 0.4], "A": [0.7, 0.8]})
    folder = course.folder
    (folder / "groups.csv").write_bytes(GROUPS.encode("cp1252"))
    (folder / "roster.csv").write_text("\ufeffid,name\nada,A\nbea,B\ncem,C\n", encoding="utf-8")
    write_whole(folder / f".grading/variants/{NAME}.json", '{"salt": "seed 0", "students": {}}')
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as said:
        assert main([NAME, "--groups", "groups.csv"]) == 0
        assert main([NAME, "--students", "roster.csv", "--groups", "groups.csv"]) == 0
    theirs = {student: nbformat.read(
        folder / "build/variants" / student / NAME / f"{NAME}.ipynb", as_version=4)
        for student in ("ada", "bea", "cem")}
    handed_in = {"ada": course.blank(), "bea": theirs["bea"], "cem": theirs["ada"],
                 "dan": course.blank()}
    for student, notebook in handed_in.items():
        notebook = nbformat.from_dict(notebook)
        cell(notebook, "twice").source = WRONG
        if student == "ada":
            notebook.cells.insert(0, nbformat.v4.new_code_cell("PI = 5"))
        course.submit(student, notebook)
    return course, theirs, said.getvalue(), course.grade()


def row(said: str, student: str) -> str:
    return next(line for line in said.splitlines() if line.startswith(f"{student} "))


@pytest.mark.loop
def test_each_gets_numbers_and_groups_share_them(graded):
    _, theirs, said, _ = graded
    own = {student: numbers(first(notebook).source) for student, notebook in theirs.items()}
    assert own["ada"] == own["bea"] != own["cem"] and "3 students" in said and "1 of them" in said
    assert set(own["cem"]) == {"PI", "A"} and first(theirs["cem"]).source.count("# ") == 2
    changed = Validator()._get_changed_cells(theirs["cem"])
    assert not changed, "Validate in JupyterLab would call it changed"


@pytest.mark.loop
def test_grading_knows_whose_numbers_are_which(graded):
    course, theirs, _, said = graded
    release = numbers(first(course.blank()).source)
    own = {student: numbers(first(notebook).source) for student, notebook in theirs.items()}
    for student, given in (own | {"dan": release}).items():
        assert f"outside {given['PI']}" in course.said(student, "twice")
        shown = cell(course.graded(student), "twice").outputs[0].text
        assert shown == f"inside {given['PI']}\n"
    assert f"numbers: A = {own['bea']['A']}, PI = {own['bea']['PI']}" in row(said, "bea")
    assert "other numbers" not in row(said, "bea") and "of their own" not in row(said, "bea")
    assert f"PI = {own['ada']['PI']}" in row(said, "cem").split("other numbers than theirs: ")[1]
    assert f"PI = {release['PI']}" in row(said, "ada").split("other numbers than theirs: ")[1]
    assert "no numbers of their own" in row(said, "dan")


@pytest.mark.loop
def test_nbgraders_own_command_grades_with_the_same_numbers(graded):
    course, theirs, *_ = graded
    course.nbgrader("autograde", NAME, "--student=bea", "--force")
    assert first(course.graded("bea")).source == first(theirs["bea"]).source
    assert f"outside {numbers(first(theirs['bea']).source)['PI']}" in course.said("bea", "twice")
