"""A written answer, wherever a student put it, waits for a person, and stands in the marker's page;
a blank hand-in does not."""
import json

import nbformat
import pytest
from exercise import ROOT
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
    new_raw_cell,
)
from nbgrader.utils import compute_checksum, determine_grade

from course_lib.grading import outputs, written
from course_lib.grading.cells import marks, role, to_run
from course_lib.grading.intake import parse, rebuild, take

NAME, SAYS = "ex", "Since D is one half, *nothing* is learned."
MANY = f"{SAYS[:-1]} and the gradient of the generator vanishes, unlike that of the other loss"
PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
       "rkJggg==")
PICTURE = {"photo (1).png": {"image/png": PNG}}


def about(grade_id: str, **more) -> dict:
    kind = {"grade": False, "solution": False, "locked": False, "schema_version": 3} | more
    return {"nbgrader": kind | {"grade_id": grade_id}}


def release():
    cells = [new_markdown_cell("# Why?\n\nSay why.\n\n$$x$$", id="question"),
             new_markdown_cell("YOUR ANSWER HERE", id="answer",
                               metadata=about("why", grade=True, solution=True, points=4)),
             new_code_cell("def f(x):\n    raise NotImplementedError", id="code",
                           metadata=about("f", solution=True)),
             new_code_cell("assert f(1) == 1", id="test",
                           metadata=about("test_f", grade=True, locked=True, points=1)),
             new_markdown_cell("The end.", id="end")]
    notebook = new_notebook(cells=cells, metadata={"course": {"answers": {"f": ["f"]}}})
    for cell in cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.checksum = compute_checksum(cell)
    return notebook


def graded(folder, notebook, files: dict[str, bytes] | None = None):
    """The submission, its notebook as a marker sees it, and the points of the written answer that
    nbgrader gives: None where it waits for a person."""
    place = folder / "ada" / NAME
    place.mkdir(parents=True)
    for name, data in ({f"{NAME}.ipynb": json.dumps(notebook).encode()} | (files or {})).items():
        (place / name).write_bytes(data)
    taken = take(folder, "ada", NAME, {NAME: release()}, {NAME: {}})
    assert not taken.refused
    shown = taken.notebooks[NAME]
    nbformat.validate(shown)
    outputs.fill(shown, [[] for cell in to_run(shown) if cell.role != "files"])
    its = next(cell for cell in shown.cells if marks(cell).get("grade_id") == "why")
    return taken, shown, determine_grade(its)[0]


def place(notebook, cell, at: int):
    notebook.cells.insert(at, cell)


def replaced(notebook, *cells):
    notebook.cells[1:2] = cells


def as_code(notebook):
    notebook.cells[1] = new_code_cell(SAYS, metadata=notebook.cells[1].metadata)


def duplicate(notebook):
    place(notebook, nbformat.from_dict(notebook.cells[1] | {"source": SAYS}), 2)


def merged_into_the_code(notebook):
    del notebook.cells[1]
    notebook.cells[1].source += f"\n\n{SAYS}"


def lost_marks_and_ids(notebook):
    for cell in notebook.cells:
        cell.metadata = {}
        del cell["id"]
    notebook.nbformat_minor, notebook.cells[1].source = 4, SAYS


def edits(i: int, text: str = SAYS):
    def change(notebook):
        notebook.cells[i].source += f"\n\n{text}"
    return change


def as_shown_code(notebook):
    kept = new_output("stream", text=SAYS)
    notebook.cells[1] = new_code_cell(notebook.cells[1].source, outputs=[kept],
                                      metadata=notebook.cells[1].metadata)


def shown_only(notebook):
    kept = new_output("display_data", data={"text/markdown": SAYS})
    notebook.cells[2].source = "def f(x):\n    return x\nshow()"
    notebook.cells[2].outputs = [kept]


WRITTEN = {
    "above": lambda nb: place(nb, new_markdown_cell(SAYS), 1),
    "below": lambda nb: place(nb, new_markdown_cell(SAYS), 2),
    "in code": lambda nb: place(nb, new_code_cell(SAYS), 2),
    "raw": lambda nb: place(nb, new_raw_cell(SAYS), 2),
    "at the end": lambda nb: nb.cells.append(new_markdown_cell(SAYS)),
    "as code": as_code, "duplicate": duplicate, "merged": merged_into_the_code,
    "lost": lost_marks_and_ids, "shown": shown_only,
    "replaced": lambda nb: replaced(nb, new_markdown_cell(SAYS)),
    "split": lambda nb: replaced(nb, nb.cells[1], new_markdown_cell(SAYS)),
    "in the question": edits(0), "in the last text": edits(4),
    "in a test": edits(3, f"# {SAYS}"),
    "comments": edits(2, f"# {MANY}"), "a string": edits(2, f'answer = """{MANY}"""'),
    "bytes": edits(2, f"answer = b'{MANY}'"), "a magic": edits(2, f"!echo {MANY}"),
    "a comment by a magic": edits(2, f"!ls ?\n# {MANY}"),
    "many strings": edits(2, f"answer = {MANY.split(' and ')}"),
    "a text without spaces": edits(2, "# D is one half: 判别器处处等于二分之一生成器学不到"),
    "shown by its cell": as_shown_code,
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_written_answer_waits_for_a_person_who_sees_it(tmp_path, how):
    notebook = release()
    WRITTEN[how](notebook)
    taken, shown, points = graded(tmp_path, notebook)
    assert points is None
    sources = [cell.source for cell in shown.cells]
    texts = [i for i, text in enumerate(sources) if "D is one half" in text]
    assert texts and max(i - 2 for i in texts) <= len(release().cells)
    if how != "as code":
        assert any("the answer to why may stand in another cell" in note for note in taken.notes)
    if how in ("above", "below", "in code", "raw", "replaced", "lost", "duplicate", "split"):
        at = next(i for i, cell in enumerate(shown.cells) if marks(cell).get("grade_id") == "why")
        assert min(abs(i - at) for i in texts) == 1 and sources[0].startswith("# Why?")
    if how == "in the question":
        assert sources[0] == release().cells[0].source and "Say why" not in sources[1]


@pytest.mark.parametrize("change", ["nothing", "code", "space", "empty cells", "copies"])
def test_a_blank_answer_needs_nobody(tmp_path, change):
    notebook = release()
    if change == "code":
        notebook.cells[2].source = "def f(x):\n    return x    # as it is"
    elif change == "space":
        for cell in notebook.cells:
            cell.source = cell.source.replace("\n\n", " \r\n\r\n") + "\n"
    elif change == "empty cells":
        notebook.cells += [new_code_cell(""), new_markdown_cell(" \n")]
    elif change == "copies":
        notebook.cells += [new_markdown_cell("The end."), new_markdown_cell("YOUR ANSWER HERE")]
    taken, shown, points = graded(tmp_path, notebook)
    assert points == 0 and taken.notes == [] and len(shown.cells) == 5


def test_a_deleted_answer_is_no_blank_one(tmp_path):
    notebook = release()
    del notebook.cells[1]
    taken, shown, points = graded(tmp_path, notebook)
    assert points is None and "the answer to why is not there" in taken.notes
    assert "was deleted" in shown.cells[1].source


@pytest.mark.parametrize("how", ["attached", "named", "inline", "an output", "in the question",
                                 "of an empty cell"])
def test_a_picture_alone_is_an_answer_and_is_shown(tmp_path, how):
    notebook = release()
    cell = notebook.cells[0 if how == "in the question" else 1]
    if how == "inline":                         # as Colab has it
        cell.source += f"\n\n![a][1]\n\n[1]: data:image/png;base64,{PNG}"
    elif how in ("an output", "of an empty cell"):
        shows = new_output("display_data", data={"image/png": PNG})
        source = "Image('photo.png')" if how == "an output" else ""
        place(notebook, new_code_cell(source, outputs=[shows]), 2)
    else:
        cell.attachments = PICTURE
        cell.source += "\n\n![x](attachment:photo%20%281%29.png)" if how == "named" else ""
    _, shown, points = graded(tmp_path, notebook)
    assert points is None
    assert sum(cell.source.count(f'src="data:image/png;base64,{PNG}"') for cell in shown.cells) == 1


def test_a_large_picture_in_a_text_is_no_long_text(tmp_path):
    notebook = release()
    notebook.cells[1].source = f"![a](data:image/png;base64,{PNG.rstrip('=')}{'A' * 100_000}) my"
    assert graded(tmp_path, notebook)[2] is None


def test_an_attachment_of_another_kind_is_named(tmp_path):
    notebook = release()
    notebook.cells[1].attachments = {"scan.heic": {"image/heic": PNG}}
    _, shown, points = graded(tmp_path, notebook)
    assert points is None and "scan.heic" in shown.cells[1].source


@pytest.mark.parametrize("name", ["answer.pdf", "answer.docx", "answer.txt", "photos.zip"])
def test_an_answer_in_a_file_needs_a_person(tmp_path, name):
    taken, _, points = graded(tmp_path, release(), {name: SAYS.encode()})
    assert points is None and f"the answer to why may stand in {name}" in taken.notes


def texts_only(text: str = SAYS) -> bytes:
    return json.dumps(new_notebook(cells=[new_markdown_cell(text)])).encode()


OLD = json.dumps({"nbformat": 3, "worksheets": [{"cells": []}], "metadata": {}}).encode()


@pytest.mark.parametrize("data", [texts_only(), OLD, b"", b"no notebook"])
def test_an_answer_in_another_notebook_needs_a_person(tmp_path, data):
    taken, _, points = graded(tmp_path, release(), {"other.ipynb": data})
    assert points is None and "the answer to why may stand in other.ipynb" in taken.notes


@pytest.mark.parametrize("data", [json.dumps(release()).encode(), texts_only(" "),
                                  texts_only("The end.")])
def test_a_copy_of_the_release_beside_a_blank_answer_is_none(tmp_path, data):
    assert graded(tmp_path, release(), {"other.ipynb": data})[2] == 0


def test_known_right_answers_in_code_are_no_prose():
    """But for their first line, which says what is different about them."""
    for path in ROOT.glob("exercises/*/*.ipynb"):
        given = {marks(cell)["grade_id"]: cell.source for cell in nbformat.read(path, 4).cells
                 if role(cell) == "answer" and cell.cell_type == "code"}
        for answer in (ROOT / "course_lib/hidden" / path.stem[:4] / "answers").glob("*/right_*"):
            source = answer.read_text().split("\n", 1)[1]
            assert not written.is_prose(source, given[answer.parent.name]), answer


def test_data_beside_a_blank_answer_is_no_answer(tmp_path):
    assert graded(tmp_path, release(), {"t.csv": b"1,2", "helper.py": b"x = 1"})[2] == 0


def test_the_course_s_own_hidden_tests_are_nobody_s_text():
    """Of a notebook that was made from the master."""
    notebook, full = release(), "assert f(1) == 1\n### BEGIN HIDDEN TESTS\nassert f(2) == 2"
    notebook.cells[3].source = f"{full}\nprint(3)"
    cells = parse(json.dumps(notebook).encode(), NAME)
    shown, _ = rebuild(release(), {"test_f": full}, cells)
    assert [cell.source.split("\n\n")[1:] for cell in shown.cells if cell.cell_type == "raw"] == [
        ["print(3)"]]
