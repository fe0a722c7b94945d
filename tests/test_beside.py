"""What lies beside the notebook: where cells run it is there, read-only; pictures and texts are in
the marker's page; what cannot be taken is named; and which of several notebooks counts is said."""
import io
import json
import os
import struct
import time
import tracemalloc
import zipfile
import zlib

import nbformat
import numpy as np
import pytest
from course import Course, cell, zipped
from nbformat.v4 import new_code_cell
from PIL import Image
from test_written import NAME, PNG, SAYS, release

from course_lib.grading import beside, outputs
from course_lib.grading.cells import Cell, to_run
from course_lib.grading.engine import Engine, Settings
from course_lib.grading.files import MAX_FILE, Refused, unzip
from course_lib.grading.intake import take
from course_lib.grading.version import fingerprint

RIGHT = "def f(x):\n    return x"


def picture(kind: str, size=(3, 2)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size).save(stream, kind)
    return stream.getvalue()


def huge() -> bytes:
    """A PNG of a few bytes that says it has 10^10 pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    head += struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + head + b"\0\0\0\0IDAT\x35\xaf\x06\x1e"


def array() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.arange(3))
    return stream.getvalue()


def solved(change=None) -> bytes:
    notebook = release()
    notebook.cells[2].source = RIGHT
    if change:
        change(notebook)
    return json.dumps(notebook).encode()


@pytest.fixture
def hand_in(tmp_path):
    """hand_in(files): the submission."""
    def run(files: dict[str, bytes], course: dict[str, bytes] | None = None):
        for folder, its in ((tmp_path / "ada" / NAME, files), (tmp_path / "given", course or {})):
            folder.mkdir(parents=True, exist_ok=True)
            for name, data in its.items():
                (folder / name).write_bytes(data)
        return take(tmp_path, "ada", NAME, {NAME: release()}, {NAME: {}}, tmp_path / "given")
    run.folder = tmp_path / "ada" / NAME
    run.folder.mkdir(parents=True)
    return run


def files(taken) -> list[str]:
    assert not taken.refused
    return sorted(taken.notebooks[NAME].metadata.course.get("files", {}))


FILES = {"helper.py": b"two = 2", "tab le.csv": b"1,2\n3,4", "a.npy": array(), "n.json": b"{}",
         "u\u0308.txt": b"hi", "scan.pdf": b"%PDF", "photo.JPG": picture("JPEG")}


@pytest.mark.parametrize("packed", [False, True])
def test_files_are_taken_loose_or_in_a_zip(hand_in, packed):
    given = {f"{NAME}.ipynb": solved(), **FILES}
    taken = hand_in({"all.zip": zipped({f"hw/{n}": data for n, data in given.items()} | {
        "helper.py": b"another", "timestamp.txt": b"1999-01-01"})} if packed else given)
    assert files(taken) == sorted(["\u00fc.txt", *(n for n in FILES if n[0] != "u")])
    assert to_run(taken.notebooks[NAME])[0].role == "files" and "dHdvID0gMg==" in str(
        taken.notebooks[NAME].metadata.course.files["helper.py"])
    assert any("with " in note and "helper.py" in note for note in taken.notes)
    assert any("helper.py in all.zip is there twice" in note for note in taken.notes) == packed


@pytest.mark.parametrize("name,data,why", [
    ("a.so", b"x", "is no file of a kind"), ("a.pyd", b"x", "is no"), ("a.pth", b"x", "is no"),
    ("run", b"x", "is no"), ("book.docx", b"x", "is no"),
    ("sitecustomize.py", b"", "is not called"), ("conftest.py", b"", "is not called"),
    ("my helper.py", b"", "is not called"), ("__init__.py", b"", "is not called"),
    ("nbgrader_config.py", b"", "is not called"),
    ("torch.py", b"", "hide Python's own module torch"), ("random.py", b"", "hide"),
    ("course_lib.py", b"", "hide"), ("-x.csv", b"", "no plain name"), (".csv", b"", "no plain"),
    ("a\u202evsc.csv", b"", "no plain name"), ("b\n.csv", b"", "no plain name"),
    ("large.csv", b"x" * (beside.MAX_ONE + 1), "at most 8 MB"), ("bomb.png", huge(), "pixels"),
    ("no.png", b"<svg/>", "no PNG or JPEG"), ("no.jpg", b"\xff\xd8\xff", "no picture that can"),
    ("more.zip", zipped({"helper.py": b""}), "is no")])
def test_what_cannot_be_taken_is_named_and_the_rest_is_graded(hand_in, name, data, why):
    taken = hand_in({f"{NAME}.ipynb": solved(), name: data, "t.csv": b"1"})
    assert files(taken) == ["t.csv"]
    assert any(note.startswith("graded without it: ") and why in note for note in taken.notes)
    assert taken.notebooks[NAME].cells[2].source == RIGHT


@pytest.mark.parametrize("kind,why", [("link", "is a link"), ("folder", "but a folder"),
                                      ("pipe", "but a pipe")])
def test_what_is_no_file_is_named(hand_in, kind, why):
    place = hand_in.folder / "x.csv"
    {"link": lambda: place.symlink_to("/etc/passwd"), "folder": place.mkdir,
     "pipe": lambda: os.mkfifo(place)}[kind]()
    taken = hand_in({f"{NAME}.ipynb": solved()})
    assert files(taken) == [] and why in str(taken.notes)


def test_files_have_a_limit_together(hand_in, monkeypatch):
    monkeypatch.setattr(beside, "MAX_ALL", 25)
    monkeypatch.setattr(beside, "MAX_MANY", 3)
    few = {f"{i}.csv": b"0123456789" for i in range(3)}
    assert files(hand_in({f"{NAME}.ipynb": solved(), **few})) == ["0.csv", "1.csv"]
    taken = hand_in({f"{i}.csv": b"" for i in range(30)})
    assert len(files(taken)) == 3 and "and without" in str(taken.notes) and len(taken.notes) < 15


def test_the_course_s_own_files_win(hand_in):
    taken = hand_in({f"{NAME}.ipynb": solved(), "a.csv": b"1", "b.csv": b"9"},
                    {"a.csv": b"1", "b.csv": b"2"})
    assert files(taken) == [] and taken.notes == ["b.csv is the course's own, which counts"]


def test_a_changed_file_makes_another_submission(hand_in):
    prints = [fingerprint(hand_in({f"{NAME}.ipynb": solved(), "h.py": data}).notebooks[NAME], NAME)
              for data in (b"1", b"1", b"2")]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("link", ["![x](photo%201.png)", "![x](<./photo 1.png>)", "![](photo.png)",
                                  '<img src="photo 1.png" width="9">'])
def test_a_picture_is_shown_once_where_a_text_names_it_or_at_the_end(hand_in, link):
    def name_it(notebook):
        notebook.cells[1].source = f"See {link}"
    taken = hand_in({f"{NAME}.ipynb": solved(name_it), "photo 1.png": picture("PNG"),
                     "r.txt": b"<b>" + SAYS.encode()})
    notebook = taken.notebooks[NAME]
    nbformat.validate(notebook)
    beside.without(notebook)
    outputs.fill(notebook, [[] for _ in to_run(notebook)])
    found = [i for i, c in enumerate(notebook.cells) if 'src="data:image/png;base64,' in c.source]
    assert found == [1 if "photo.png" not in link else len(notebook.cells) - 2]
    assert "&lt;b&gt;Since D" in notebook.cells[-1].source
    assert "files" not in notebook.metadata.course


def test_of_several_notebooks_the_choice_is_named(hand_in):
    blank, work = json.dumps(release()).encode(), solved()
    other = solved(lambda nb: nb.cells.append(new_code_cell("x = 3")))
    source = lambda taken: taken.notebooks[NAME].cells[2].source
    taken = hand_in({f"{NAME}.ipynb": blank, "copy.ipynb": work})
    assert source(taken) == RIGHT
    assert f"copy.ipynb was taken for {NAME}.ipynb, which is as it was released" in taken.notes
    taken = hand_in({f"{NAME}.ipynb": other})
    assert len(taken.notebooks[NAME].cells) == 6
    assert "copy.ipynb beside it was not graded" in taken.notes
    assert "the answer to why may stand in another cell, copy.ipynb" in taken.notes
    taken = hand_in({f"{NAME}.ipynb": b"{", "b.ipynb": blank})
    assert "not valid JSON" in taken.refused
    taken = hand_in({f"{NAME}.ipynb": blank, "c.ipynb": work})
    assert "2 other notebooks are not: c.ipynb, copy.ipynb" in taken.refused
    (hand_in.folder / f"{NAME}.ipynb").unlink()
    taken = hand_in({})
    assert f"{NAME}.ipynb is not there, and 3 other notebooks are: b.ipynb, c" in taken.refused


USES = ("import os, helper, numpy as np\nread = [helper.two, open('tab le.csv').read()[0], "
        "np.load('a.npy').sum(), os.stat('helper.py').st_mode & 0o222]")


@pytest.mark.loop
@pytest.mark.parametrize("sandbox", ["bubblewrap", "none"])
def test_where_cells_run_files_are_there_to_be_read(hand_in, tmp_path, sandbox):
    taken = hand_in({f"{NAME}.ipynb": solved(), **FILES})
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "n.json").write_text("[7]")
    ends = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    cells = [*to_run(taken.notebooks[NAME])[:1], Cell("extra", ends),
             Cell("answer", f"{USES}\nread[2], ours = int(read[2]), open('n.json').read()",
                  names=("read", "ours")),
             Cell("test", "assert read == [2, '1', 3, 0], read", "test_read", 1)]
    wins = sandbox == "bubblewrap"
    cells.append(Cell("test", f"assert ours == {'[7]' if wins else '{}'!r}", "test_ours", 1))
    with Engine(Settings(sandbox=sandbox, files=str(tmp_path / "course"))) as engine:
        _, *found = engine.grade(cells)
    assert found == [[], [], []]


@pytest.mark.loop
def test_the_gradebook_waits_for_persons_and_the_page_shows_what_they_need(tmp_path):
    """In both forms of grading; a changed helper is graded again."""
    from nbgrader.api import Gradebook
    course = Course(tmp_path / "course", "ex01_minimax")
    uses = course.blank()
    cell(uses, "game_value").source = "from helper import game_value"
    for student, notebook in (("uses", uses), ("blank", course.blank())):
        course.submit(student, notebook)
    right = "import torch\n" + cell(course.master(), "game_value").source
    (course.handed_in("uses") / "helper.py").write_text("def game_value(*_): return 0")
    (course.handed_in("uses") / "photo.png").write_bytes(picture("PNG"))
    said = course.grade()
    assert course.scores()["uses"]["game_value"] == 0
    (course.handed_in("uses") / "helper.py").write_text(right)
    said = course.nbgrader("autograde", course.name)
    assert course.scores()["uses"]["game_value"] > 0
    with Gradebook(f"sqlite:///{course.folder}/gradebook.db") as book:
        waits = {submission.student.id: submission.needs_manual_grade
                 for submission in book.assignment_submissions(course.name)}
    assert waits == {"uses": True, "blank": False}
    assert "a person marks the rest; the answer to written may stand in photo.png; with he" in said
    page = str(course.graded("uses"))
    assert "data:image/png;base64," in page and "'files'" not in page and PNG not in page


def test_a_picture_is_attached_once_and_all_have_a_limit_together(monkeypatch):
    from nbformat.v4 import new_markdown_cell, new_notebook
    png = picture("PNG")
    cells = [new_markdown_cell("![](a.png)", id=f"extra-{i}") for i in range(40)]
    notebook = new_notebook(cells=cells)
    assert beside.put(notebook, {"a.png": png}) == []
    assert [i for i, c in enumerate(notebook.cells) if c.get("attachments")] == [0]
    assert notebook.cells[9].source.endswith("*(a.png is shown above.)*")
    monkeypatch.setattr(beside, "MAX_ATTACHED", 200)
    cells = [new_markdown_cell("", id="extra-1", attachments={"x": {"image/png": "A" * 200}})]
    notebook = new_notebook(cells=cells)
    assert beside.put(notebook, {"a.png": png}) == [
        "a.png is not shown: there are too many pictures"]
    assert len(notebook.cells) == 1


def test_files_of_a_class_are_in_memory_only_when_their_turn_comes(tmp_path, monkeypatch):
    from contextlib import ExitStack
    from types import SimpleNamespace

    from course_lib.grading import __main__ as program
    from course_lib.grading import course as folders
    (tmp_path / "submitted/ada" / NAME).mkdir(parents=True)
    for name, data in {f"{NAME}.ipynb": solved(), "a.csv": b"1", "a.png": picture("PNG")}.items():
        (tmp_path / "submitted/ada" / NAME / name).write_bytes(data)
    monkeypatch.setattr(folders.Course, "__init__", lambda self: None)
    course = folders.Course()
    course.dir = SimpleNamespace(autograded_directory="autograded")
    course.root, course.assignment, course.submitted = tmp_path, NAME, tmp_path / "submitted"
    course.released, course.folders, course.variants = None, {}, folders.Variants(tmp_path, NAME)
    course.release, course.tests = {NAME: release()}, {NAME: {}}
    taken = course.stage("ada")
    assert "files" not in taken.notebooks[NAME].metadata.course
    assert not any(cell.get("attachments") for cell in taken.notebooks[NAME].cells)
    piece = folders.Work("ada", course.staged("ada") / f"{NAME}.ipynb", tmp_path / "result")
    assert taken.keys == {NAME: fingerprint(piece.read(), NAME)}
    assert course.fingerprint(taken) == course.fingerprint(course.stage("ada"))

    read, at_once = [], []
    monkeypatch.setattr(folders.Work, "read", lambda piece: read.append(piece) or release())
    monkeypatch.setattr(program, "timed", lambda *_: at_once.append(len(read)))
    monkeypatch.setattr(program, "Engine", lambda _: ExitStack())
    assert len(list(program.on_this_machine(1, None, [piece] * 3))) == 3 and at_once == [1, 2, 3]


def test_an_entry_of_a_zip_that_is_too_large_is_not_even_unpacked(monkeypatch):
    given, read, left = {"a.csv": b"1", "big.pdf": bytes(MAX_FILE + 1)}, [], []
    given["/".join("abcdefghijk") + "/deep.pdf"] = b"2"
    raw, opened = zipped(given), zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda self, entry, *a, **k: (
        read.append(getattr(entry, "filename", entry)), opened(self, entry, *a, **k))[1])
    assert unzip(raw, "x.zip", left) == {"a.csv": b"1"} and read == ["a.csv"]
    assert left == ["big.pdf in x.zip is too large.",
                    "deep.pdf in x.zip lies in too many folders."]
    with pytest.raises(Refused, match="unusual kind"):
        unzip(zipped({"a.csv": b"1"}, zipfile.ZIP_BZIP2), "x.zip")
    raw = bytearray(zipped({"a.csv": bytes(MAX_FILE)}, zipfile.ZIP_DEFLATED))
    at = raw.index(b"PK\x01\x02")
    raw[at + 16:at + 20] = raw[at + 24:at + 28] = bytes(4)      # says it is empty
    tracemalloc.start()
    assert unzip(bytes(raw), "x.zip") == {"a.csv": b""}
    assert tracemalloc.get_traced_memory()[1] < MAX_FILE / 4
    tracemalloc.stop()


def test_a_picture_with_millions_of_chunks_is_sized_at_once():
    png, jpeg = picture("PNG"), picture("JPEG")
    assert beside.picture(png, "a.png") == "png" and beside.picture(jpeg, "a.jpg") == "jpeg"
    start = time.process_time()
    empty = b"\0\0\0\0abCd" + struct.pack(">I", zlib.crc32(b"abCd"))
    assert beside.picture(png[:33] + empty * 600_000 + png[33:], "a.png") == "png"
    for data in (png[:8] + empty + png[8:], jpeg[:2] + b"\xff\xe5\0\2" * 10**6 + jpeg[2:]):
        with pytest.raises(Refused, match="no picture that can be read"):
            beside.picture(data, "a")
    assert time.process_time() - start < 1
    with pytest.raises(Refused, match="pixels"):
        beside.picture(picture("JPEG", (8000, 7000)), "a.jpg")


def test_a_document_that_was_not_taken_makes_a_written_answer_wait(hand_in, tmp_path):
    asks = lambda taken, where: f"may stand in {where}" in str(taken.notes)
    book = {f"{NAME}.ipynb": solved()}
    taken = hand_in(book | {"report.md": b"My answer"}, {"report.md": b"Your answer"})
    assert asks(taken, "report.md")
    taken = hand_in({"report.md": b"Your answer"})
    assert not asks(taken, "")
    again = lambda why: take(tmp_path, "ada", NAME, {NAME: release()}, {NAME: {}},
                             tmp_path / "given", why)
    assert asks(again("answer.pdf is left out: it is too large"), "what is left out")
    assert not asks(again("a.csv is left out: it is too large"), "")
    (hand_in.folder / f"{NAME}.ipynb").unlink()
    taken = hand_in({"all.zip": zipped(
        book | {"answer.pdf": bytes(MAX_FILE + 1)}, zipfile.ZIP_DEFLATED)})
    assert asks(taken, "what is left out")
