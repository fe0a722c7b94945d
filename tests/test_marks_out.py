"""Marks go to their own person and column, in a platform's table or in a CSV."""
import pytest

from course_lib.grading import marks_out
from course_lib.grading.tables import Table

CANVAS = "Student,ID,SIS User ID,SIS Login ID,Section,{}\n"
SHEET = ("Identifier,Full name,ID number,Email address,Grade,Maximum Grade,Last modified (grade)\n")


def row(student: str, score: str = "9", **more) -> dict:
    return {"student": student, "email": "", "lms_user_id": "", "score": score, "max_score": "10",
            "why": ""} | more


def filled(folder, text: str, found: list[dict], title: str = "") -> list[str]:
    """The column of marks, without its head, of a table with these rows."""
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    marks_out.fill(found, path, path, "ex1_1", title)
    table = Table.read(path)
    return [line[table.columns.get("score", 5)] for line in table.rows[1:]]


def test_nobody_takes_the_mark_of_an_id_that_ends_in_their_number(tmp_path):
    head = '"Last Name","First Name","Username","x","y","Ex 1.1 [Total Pts: 10 Score] |123"\n'
    text = head + '"A","Ada","ada","","",""\n"M","Mary","mary-ada","","",""\n'
    assert filled(tmp_path, text, [row("mary-ada")]) == ["", "9"]
    text = CANVAS.format("Ex 1.1 (42)") + '"A, Ada",12,2020-7,ada,S,\n"M, Mal",34,{},mal,S,\n'
    assert filled(tmp_path, text.format("2021-12"), [row("2021-12")]) == ["", "9"]
    assert filled(tmp_path, text.format(""), [row("2021-12")]) == ["", ""]


@pytest.mark.parametrize("who, head, line", [
    ("Anna Schmidt-7", SHEET, 'Participant 7,Anna Schmidt,,,{},10,-'),
    ("Schmidt Anna-7", SHEET, 'Participant 7,"Schmidt, Anna",M1,a@u.de,{},10,-'),
    ("Teilnehmerin-7", SHEET.replace("Full name", "x"), 'Teilnehmer/in7,,,,{},10,-'),
    ("schmidtjorg-7", CANVAS.format("Ex 1.1 (42)"), '"Schmidt, Jörg",7,s7,js,S,{}')])
def test_who_is_known_by_name_and_number_only_is_found(tmp_path, who, head, line):
    text = head + line.format("") + "\n"
    assert filled(tmp_path, text, [row(who)])[0] == "9"
    assert filled(tmp_path, text, [row(f"Bo {who}")])[0] == ""


@pytest.mark.parametrize("title, heads", [
    ("Ex 1", ["Ex 10 (43)"]), ("Ex 1", ["Homework (43)"]), ("", ["Homework (43)"]),
    ("", ["Ex 11 (43)"]), ("Ex 1-1", ["Ex 11 (43)"]), ("", ["Ex 1.1 (4)", "EX1_1 (5)"]), ("", [])])
def test_a_column_is_named_whole(tmp_path, title, heads):
    text = CANVAS.format(",".join([*heads, "Score"])) + '"A, Ada",12,ada,ada,S,,\n'
    with pytest.raises(ValueError, match="--title") as error:
        filled(tmp_path, text, [row("ada")], title)
    assert all(head in str(error.value) for head in heads)
    assert (tmp_path / "table.csv").read_text() == text


@pytest.mark.parametrize("title", ["ex  1", "Ex 1 (42)", "42"])
def test_a_title_may_have_the_number_and_other_capitals(tmp_path, title):
    text = CANVAS.format("Ex 1 (42),Ex 10 (43)") + '"A, Ada",12,ada,ada,S,,\n'
    assert filled(tmp_path, text, [row("ada")], title) == ["9"]


def test_a_student_s_name_makes_no_decimal_comma(tmp_path):
    text = CANVAS.format("Ex 1.1 (42)") + '"A, Ada",12,ada,ada,S,\n"1,5",34,mal,mal,S,{}\n'
    assert filled(tmp_path, text.format(""), [row("ada", "9.5")]) == ["9.5", ""]
    assert filled(tmp_path, text.format('"3,5"'), [row("ada", "9.5")]) == ["9,5", "3,5"]


def test_an_email_that_two_have_is_nobody_s(tmp_path):
    text = SHEET + "Participant 7,Ada,,us@u.de,,10,-\n"
    both = [row("ada", email="us@u.de"), row("bob", "", email="us@u.de")]
    assert filled(tmp_path, text, both) == [""] and filled(tmp_path, text, both[:1]) == ["9"]


@pytest.mark.parametrize("cell, said", [
    ("X;=HYPERLINK(1)", "X;'=HYPERLINK(1)"), ('X; "=A1', "X; \"'=A1"), ("X\t+1", "X\t'+1"),
    ("X\n@A", "X\n'@A"), ("＝1+1", "'＝1+1"), ("－1", "'－1"), ("＋1", "'＋1"), ("＠A", "'＠A"),
    (" =1", " '=1"), ("late; 2 files", "late; 2 files"), ("a = b", "a = b"), ("-2.5", "-2.5")])
def test_no_part_of_a_cell_begins_a_formula(cell, said):
    assert marks_out.no_formula(cell) == said
