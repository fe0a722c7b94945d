"""Written answers are split among markers, each sees theirs and no name, and their points come
into the gradebook, or a sentence says why not."""
import contextlib
import csv
import io
import json
import re
from types import SimpleNamespace

import pytest
from course import cell
from made_up import marked, released
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook

from course_lib.grading import markers as command
from course_lib.grading import marking, spreadsheet, variants
from course_lib.grading.intake import Refused
from course_lib.grading.markers import main
from course_lib.grading.marking import Answer

NAME, STUDENTS = "ex00_words", [f"student{i}" for i in range(6)]


def fresh() -> dict:
    return {"salt": "s", "answers": {}, "given": {}, "settled": {}}


def some(record: dict, students: int, *questions: str) -> dict[str, Answer]:
    found = [Answer(f"s{i}", "nb", question, question, 4, "v") for i in range(students)
             for question in questions]
    return {marking.key(record, answer): answer for answer in found}


def shares(record: dict) -> dict[str, list[int]]:
    """marker -> how many of each question"""
    each: dict[str, dict[str, int]] = {}
    for there in record["answers"].values():
        for marker in there["markers"]:
            of = each.setdefault(marker, {})
            of[there["question"]] = of.get(there["question"], 0) + 1
    return {marker: sorted(of.values()) for marker, of in each.items()}


def test_answers_are_split_evenly_and_stay_where_they_are():
    record = fresh()
    marking.split(record, some(record, 20, "one", "two"), ["ada", "bob"], 0.2)
    before = json.loads(json.dumps(record))
    assert shares(record) == {"ada": [12, 12], "bob": [12, 12]}           # 4 of 20 are for both
    again = fresh()
    marking.split(again, some(again, 20, "two", "one"), ["bob", "ada"], 0.2)
    assert again["answers"] == before["answers"] or shares(again) == shares(record)
    marking.split(record, some(record, 30, "one", "two"), ["ada", "bob", "cem"], 0.2)
    assert {k: record["answers"][k] for k in before["answers"]} == before["answers"]
    twice = [a for a in record["answers"].values() if len(set(a["markers"])) == 2]
    assert len(twice) == 12 and len(record["answers"]) == 60
    assert min(shares(record)["cem"]) >= 8, "a new one gets most of what is new"


def test_agreement_is_the_intraclass_correlation_of_shrout_and_fleiss():
    judged = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    assert round(marking.intraclass(judged), 2) == 0.17                 # their table 4
    assert marking.intraclass([[1, 1], [4, 4]]) == 1
    assert str(marking.intraclass([[2, 2], [2, 2]])) == "nan"


@pytest.mark.parametrize("raw", [
    b"a,b\r\nx,1\r\n", "\ufeffA;b\r\nx;1\r\n".encode(), "a\tb\nx\t1\n".encode("utf-16"),
    "a;b;ö\r\nx;1;ü\r\n".encode("cp1252"), b'"a","b"\n\n"x","1"\n,\n'])
def test_a_table_is_read_as_it_was_saved(tmp_path, raw):
    (tmp_path / "t.csv").write_bytes(raw)
    row, = spreadsheet.rows(tmp_path / "t.csv", ("a", "b"))
    assert (row["a"], row["b"]) == ("x", "1")
    with pytest.raises(Refused, match="no column c"):
        spreadsheet.rows(tmp_path / "t.csv", ("c",))


def test_an_excel_file_is_named_as_what_it_is(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(Refused, match="t.xlsx is an Excel file; save it as CSV"):
        spreadsheet.rows(tmp_path / "t.xlsx", ("a",))


def test_points_are_numbers_with_point_or_comma():
    assert [spreadsheet.number(x) for x in ("2,5", "2.5", "0", "-1")] == [2.5, 2.5, 0, -1]
    for text in ("=1+1", "nan", "inf", "1e3", "02. Mai", "1.000,5", "٣ points", "2/4"):
        with pytest.raises(ValueError):
            spreadsheet.number(text)


def question(grade_id: str) -> list:
    text = f"### BEGIN SOLUTION\nThe master of {grade_id}.\n\n**Rubric** four\n### END SOLUTION"
    return [new_markdown_cell(f"## About {grade_id} ★\nWhy?"),
            marked(text, grade_id, 4, solution=True, kind="markdown")]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Two written questions, six students, one of whom answers nothing, graded."""
    cells = [new_code_cell("x = 1"), *question("first"), *question("second")]
    course = released(tmp_path_factory.mktemp("markers"), NAME, cells)
    for i, student in enumerate(STUDENTS):
        notebook = course.blank()
        if i < 5:
            for name in ("first", "second"):
                cell(notebook, name).source = f"Answer of number {i}.<script>alert(1)</script>"
            notebook.cells.append(new_markdown_cell(f"More of {i}.<img src=x onerror=alert(2)>"))
        course.submit(student, notebook)
    course.grade()
    return course


def markers(course, *options: str, code: int = 0) -> str:
    """What the command says, in this process, which is quicker."""
    said = io.StringIO()
    with contextlib.chdir(course.folder), contextlib.redirect_stdout(said):
        assert main([NAME, *options]) == code
    return said.getvalue()


def table(course, marker: str) -> list[dict]:
    path = course.folder / "build/markers" / marker / f"{NAME}-{marker}.csv"
    with open(path, encoding="utf-8-sig", newline="") as file:
        return [*csv.DictReader(file)]


def fill(course, marker: str, points, between: str = ",", code: str = "utf-8") -> str:
    """The marker's table with points(row) in it; returns its name."""
    rows = table(course, marker)
    lines = [between.join(rows[0])]
    for row in rows:
        row |= {"points": points(row), "comment": f"{marker}: schön"}
        lines.append(between.join(row.values()))
    (course.folder / f"{marker}.csv").write_text("\r\n".join(lines), encoding=code)
    return f"{marker}.csv"


def grades(course) -> dict[tuple[str, str], tuple]:
    with Gradebook(f"sqlite:///{course.folder}/gradebook.db") as book:
        return {(s.student.id, g.name): (g.manual_score, g.needs_manual_grade)
                for s in book.assignment_submissions(NAME) for n in s.notebooks for g in n.grades}


@pytest.fixture(autouse=True)
def a_release_is_checked_elsewhere(monkeypatch):
    """It takes a second each time."""
    monkeypatch.setattr("course_lib.grading.course.check", lambda *_: None)


@pytest.mark.loop
def test_from_split_to_marks_that_stay(course):
    said = markers(course, "split", "ada", "bob", "--double", "40%", "--to", "build/markers")
    rows = {marker: table(course, marker) for marker in ("ada", "bob")}
    each = {marker: {(r["submission"], r["question"]) for r in rows[marker]} for marker in rows}
    assert len(each["ada"]) == len(each["bob"]) == 7 and "2 of them" not in said
    assert len(each["ada"] | each["bob"]) == 10, "what is blank needs nobody"
    page = (course.folder / f"build/markers/ada/{NAME}-ada.html").read_text(encoding="utf-8")
    shown = [i for i in range(5) if f"Answer of number {i}" in page]
    assert len(shown) >= 3 and "About first" in page and "four" in page
    assert not re.search(r"student\d", page), "no name"
    assert "alert(" not in page and "onerror" not in page and "More of" in page
    assert all(r["submission"] in page for r in rows["ada"])

    number = {r["submission"]: n for n, r in enumerate(rows["ada"] + rows["bob"])}
    theirs = lambda row: str(number[row["submission"]] % 3)
    ada = fill(course, "ada", theirs)
    assert "3 marks are in the gradebook, 7 answers wait" in markers(course, "bring", ada)
    once = {k: v for k, v in grades(course).items() if v[0] is not None}
    both = each["ada"] & each["bob"]
    assert len(once) == 7 - len(both) and len(both) == 4
    bob = fill(course, "bob", lambda row: "2,5" if (row["submission"], row["question"]) in both
               else theirs(row), ";", "cp1252")
    said = markers(course, "bring", ada, bob)
    assert said.count("differ, so it is not written") == 4
    listed = markers(course, "disagreements")
    assert listed.count(" apart\n") == 4 and "ICC(1,1)" in listed and "ada" in listed
    assert "4 for two to agree" not in markers(course, "bring", bob, "--mean")
    after = grades(course)
    written = {k: v for k, v in after.items() if k[0] != "student5"}
    assert all(score is not None and not needs for score, needs in written.values())
    assert "settled" in markers(course, "disagreements")

    course.grade("--force")
    assert {k: v[0] for k, v in grades(course).items()} == {k: v[0] for k, v in after.items()}
    markers(course, "bring", ada, bob, "--mean")
    assert grades(course) == after, "and what is brought in again needs nobody"
    course.nbgrader("generate_feedback", NAME, "--student=student0")
    assert "schön" in course.feedback("student0")


def refused(course, *options: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        markers(course, *options)
    return str(stopped.value)


@pytest.mark.loop
def test_what_cannot_be_taken_is_refused_with_its_line(course):
    markers(course, "split", "ada", "bob")
    before = grades(course)
    for points, why in (("5", "5 points, where 0 to 4 are possible"), ("-1", "-1 points"),
                        ("=2+2", "is no number"), ("NaN", "NaN is no number")):
        said = refused(course, "bring", fill(course, "ada", lambda row, points=points: points))
        assert why in said and "ada.csv, line 2" in said and "line 8" in said
    path = course.folder / fill(course, "ada", lambda row: "1")
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"ada,\w+,", "ada,qqqqqq,", text, count=1), encoding="utf-8")
    assert "qqqqqq, first is no answer of this assignment" in refused(course, "bring", "ada.csv")
    path.write_text(text + "\r\n" + text.splitlines()[1], encoding="utf-8")
    assert "stands there twice" in refused(course, "bring", "ada.csv")
    path.write_text(text.replace("ada,", "bob,"), encoding="utf-8")
    assert "is not for bob to mark" in refused(course, "bring", "ada.csv")
    assert grades(course) == before, "nothing of it was written"


class Book:
    """A gradebook with one grade, which somebody gives in formgrader."""

    def __init__(self, *_):
        self.grade = SimpleNamespace(manual_score=None, needs_manual_grade=True)
        self.db = SimpleNamespace(commit=lambda: None)
        self.find_grade = lambda *_: self.grade
        self.find_comment = lambda *_: SimpleNamespace()

    __enter__ = lambda self: self
    __exit__ = lambda self, *_: None


def test_what_was_decided_in_formgrader_needs_over(monkeypatch):
    record, book = fresh(), Book()
    there = some(record, 1, "one")
    marking.split(record, there, ["ada", "bob"], 1)
    (k, answer), = there.items()
    for marker, points in (("ada", 2.0), ("bob", 3.0)):
        record["given"].setdefault(k, {})[marker] = {
            "points": points, "comment": "", "version": answer.version}
    monkeypatch.setattr(command, "Gradebook", lambda *_: book)
    monkeypatch.setattr(command, "answers", lambda *_: {k: (answer, [], [])})
    course = SimpleNamespace(dir=SimpleNamespace(db_url="", course_id=""), assignment=NAME)

    def bring(**options) -> str:
        options = {"tables": [], "mean": False, "over": False} | options
        return "\n".join(command.bring(course, record, SimpleNamespace(**options))[0])

    assert "ada and bob differ" in bring() or "bob and ada differ" in bring()
    book.grade.manual_score = 4.0
    assert "differ" not in bring()
    assert "4 points were given in formgrader meanwhile" in bring(mean=True)
    assert book.grade.manual_score == 4
    bring(mean=True, over=True)
    assert book.grade.manual_score == 2.5


def test_a_locked_gradebook_is_waited_for(monkeypatch):
    def stop():
        raise InterruptedError

    for module, options in ((command, [NAME, "disagreements"]), (variants, [NAME])):
        monkeypatch.setattr(module, "wait_for_gradebook", stop)
        with pytest.raises(InterruptedError):
            module.main(options)


@pytest.mark.loop
def test_what_changed_meanwhile_is_left_out(course):
    markers(course, "split", "ada", "bob")
    record = json.loads((course.folder / f".grading/markers/{NAME}.json").read_text())
    k, there = next((k, a) for k, a in record["answers"].items() if a["markers"] == ["ada"])
    with Gradebook(f"sqlite:///{course.folder}/gradebook.db") as book:
        book.find_grade(there["grade_id"], NAME, NAME, there["student"]).manual_score = 3.75
        book.db.commit()
    ada = fill(course, "ada", lambda row: "4")
    said = markers(course, "bring", ada, code=1)
    assert f"{k}: 3.75 points were given in formgrader meanwhile" in said
    assert grades(course)[there["student"], there["grade_id"]][0] == 3.75
    assert "meanwhile" not in markers(course, "bring", ada, "--over")
    assert grades(course)[there["student"], there["grade_id"]][0] == 4

    other = next(a for a in record["answers"].values()
                 if a["markers"] == ["ada"] and a["student"] != there["student"])
    notebook = course.blank()
    cell(notebook, other["grade_id"]).source = "Handed in once more."
    course.submit(other["student"], notebook)
    course.grade()
    assert "the answer changed since ada got it" in markers(course, "bring", ada, code=1)
    markers(course, "split", "ada", "bob")
    page = (course.folder / f"build/markers/ada/{NAME}-ada.html").read_text(encoding="utf-8")
    assert "Handed in once more." in page
