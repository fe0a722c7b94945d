"""Honest but unusual submissions keep all their points; and what else instructors count on: regrading, lateness, exports."""
import copy
import csv
import io
import json
import zipfile

import nbformat
import pytest
from course import Course, cell
from exercise import questions
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

NAME = "ex01_minimax"
UNUSUAL = {}
pytestmark = pytest.mark.loop


def unusual(change):
    """Registers a change to the solved notebook; it may return the bytes of a file instead, or (file name, bytes)."""
    UNUSUAL[change.__name__] = change
    return change


def before(notebook, grade_id: str, *cells) -> None:
    at = notebook.cells.index(cell(notebook, grade_id))
    notebook.cells[at:at] = [new_code_cell(source) if isinstance(source, str) else source for source in cells]


def answer(notebook, grade_id: str, source: str) -> None:
    cell(notebook, grade_id).source = source


def inside(notebook, line: str, grade_id: str = "game_value") -> None:
    """Puts a line first into the body of an answer."""
    c = cell(notebook, grade_id)
    c.source = c.source.replace("    ### BEGIN SOLUTION\n", f"    {line}\n")


def saved(notebook, **options) -> bytes:
    return json.dumps(notebook, **options).encode()


@unusual
def warns_on_stderr(nb):
    inside(nb, "import warnings, sys; warnings.warn('careful'); print('hm', file=sys.stderr)")


@unusual
def logs(nb):
    inside(nb, "import logging; logging.warning('I was called')")


@unusual
def prints_a_lot(nb):
    for question in questions(NAME):
        if question != "proof":
            inside(nb, "print('here', 1.0, 99); print('x' * 1000)", question)


@unusual
def displays_numbers(nb):
    cell(nb, "game_value").source += "\n0.5"
    before(nb, "test_game_value", "0.25", "display(0)", "1 / 0")


@unusual
def own_cells_everywhere(nb):
    nb.cells.insert(0, new_markdown_cell("My notes: $p < g$ & more"))
    before(nb, "test_jsd", "half = 0.5", "assert half == 0.5")
    nb.cells.append(new_code_cell("print('done')"))


@unusual
def helper_in_an_own_cell(nb):
    before(nb, "game_value", "def xlog(p, q):\n    return torch.xlogy(p, q)")
    answer(nb, "game_value", "def game_value(D, p, g, pi):\n    return (pi * xlog(p, D) + (1 - pi) * xlog(g, 1 - D)).sum(-1)")


@unusual
def type_hints(nb):
    answer(nb, "game_value", "from __future__ import annotations\nfrom torch import Tensor\n\ndef game_value(D: Tensor, p: Tensor, g: Tensor, pi: float | Whatever) "
                             "-> Tensor:\n    out: Tensor = (pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).sum(dim=-1)\n    return out")


@unusual
def lambdas(nb):
    answer(nb, "game_value", "game_value = lambda D, p, g, pi: (pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).sum(-1)")


@unusual
def class_with_call(nb):
    answer(nb, "game_value", "class Value:\n    def __call__(self, D, p, g, pi):\n        self.calls = getattr(self, 'calls', 0) + 1\n"
                             "        return (pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).sum(-1)\n\ngame_value = Value()")


@unusual
def partial_closure_and_decorator(nb):
    answer(nb, "game_value", "import functools\n\ndef counted(f):\n    calls = []\n    @functools.wraps(f)\n    def g(*args, **kwargs):\n        calls.append(1)\n"
                             "        return f(*args, **kwargs)\n    return g\n\n@counted\ndef value(power, D, p, g, pi):\n"
                             "    return (pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).sum(-1) ** power\n\ngame_value = functools.partial(value, 1)")


@unusual
def slow_but_within_the_limit(nb):
    before(nb, "game_value", "import time\ntime.sleep(3)")
    answer(nb, "game_value", "import time\nslept = []\n" + cell(nb, "game_value").source)
    inside(nb, "if not slept: time.sleep(3); slept.append(1)")


@unusual
def imports_in_the_notebook(nb):
    inside(nb, "import numpy as np, scipy.special, itertools, dataclasses, collections, json, re")
    before(nb, "jsd", "from math import *\nimport torch.nn.functional as functional\nimport sympy")


@unusual
def plots(nb):
    before(nb, "jsd", "plt.plot([1, 2, 3])\nplt.title('mine')\nplt.show()", "fig, ax = plt.subplots()\nax.imshow(torch.rand(8, 8))")


@unusual
def widgets(nb):
    before(nb, "jsd", "import ipywidgets as widgets\nfrom IPython.display import HTML\n@widgets.interact(x=(0, 10))\ndef show_me(x=3):\n    print(x)",
           "display(HTML('<b>bold</b>'))", "widgets.IntSlider(value=3)")


@unusual
def magics(nb):
    before(nb, "jsd", "%%time\ntotal = sum(range(10))", "%matplotlib inline\n%timeit -n1 -r1 1 + 1\n!ls\nfiles = !ls", "%%writefile mine.py\nx = 3",
           "import mine\nassert mine.x == 3", "?torch.sum")


@unusual
def asynchronous(nb):
    before(nb, "jsd", "import asyncio\nawait asyncio.sleep(0.01)", "async def three():\n    return 3\nassert await three() == 3")


@unusual
def asks_for_input_and_fails(nb):
    before(nb, "jsd", "input('name? ')", "raise ValueError('an experiment')", "undefined_name", "this is no python")


@unusual
def threads_and_processes(nb):
    before(nb, "jsd", "import threading, subprocess, multiprocessing\nt = threading.Thread(target=print, args=('hello',))\nt.start(); t.join()\n"
                      "subprocess.run(['echo', 'hello'], check=True)", "with multiprocessing.Pool(2) as pool:\n    print(pool.map(abs, [-1, -2]))")


@unusual
def writes_files(nb):
    before(nb, "jsd", "torch.save(torch.ones(3), 'a.pt')\nassert torch.load('a.pt').sum() == 3\nopen('/tmp/x', 'w').write('x')\nplt.figure()\nplt.savefig('p.png')")


@unusual
def seeds_and_default_dtype(nb):
    before(nb, "jsd", "torch.manual_seed(0)\nimport random, numpy\nrandom.seed(1); numpy.random.seed(1)\ntorch.set_default_dtype(torch.float64)\n"
                      "torch.set_default_dtype(torch.float32)\ntorch.set_num_threads(2)")


@unusual
def names_of_the_instructor_reused_at_the_end(nb):
    nb.cells.append(new_code_cell("F = 3\nmath = None\nassert F == 3\ncall = Net = PI = None\nprint = None\nabs = 3"))


@unusual
def unicode_names(nb):
    answer(nb, "game_value", "# Größe — ein Spiel 🎲\ndef game_value(D, p, g, pi):\n    π, σ = pi, 1 - pi\n    return (π * torch.xlogy(p, D) + σ * torch.xlogy(g, 1 - D)).sum(-1)")


@unusual
def windows_line_ends(nb):
    for c in nb.cells:
        c.source = c.source.replace("\n", "\r\n")
    return saved(nb, indent=1).replace(b"\n", b"\r\n")


@unusual
def byte_order_mark(nb):
    return b"\xef\xbb\xbf" + saved(nb, ensure_ascii=False)


@unusual
def renamed(nb):
    return "my solution (2) final.ipynb", saved(nb)


@unusual
def in_a_zip(nb):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"homework/{NAME}.ipynb", saved(nb))
        archive.writestr(f"__MACOSX/homework/._{NAME}.ipynb", b"\0")
        archive.writestr("timestamp.txt", "1999-01-01 00:00:00 UTC")
    return "homework.zip", stream.getvalue()


@unusual
def without_cell_ids(nb):
    nb.nbformat_minor = 4
    for c in nb.cells:
        del c["id"]
    return saved(nb)


@unusual
def other_cell_ids_and_metadata(nb):
    for i, c in enumerate(nb.cells):
        c.id = f"cell{i}"
        c.metadata |= {"colab": {"base_uri": "x"}, "vscode": {"languageId": "python"}, "scrolled": True, "collapsed": False}
    nb.metadata |= {"colab": {"provenance": []}, "accelerator": "GPU", "kernelspec": {"name": "conda-env-dl", "display_name": "dl"}}


@unusual
def stored_outputs(nb):
    for c in nb.cells:
        if c.cell_type == "code":
            c.outputs, c.execution_count = [new_output("display_data", data={"image/png": "A" * 200_000}), new_output("stream", name="stderr", text="old")], 7


@unusual
def answer_twice_first_blank(nb):
    right = copy.deepcopy(cell(nb, "jsd"))
    answer(nb, "jsd", "def jsd(p, g, pi):\n    raise NotImplementedError")
    before(nb, "test_jsd", right)


@unusual
def copies_of_cells(nb):
    before(nb, "test_jsd", copy.deepcopy(cell(nb, "jsd")))
    nb.cells.append(copy.deepcopy(cell(nb, "test_jsd")))
    nb.cells.append(copy.deepcopy(cell(nb, "setup")))


@unusual
def deleted_test_and_pictures(nb):
    nb.cells = [c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") != "test_jsd" and not c.id.endswith("picture")]


@unusual
def moved_cells(nb):
    c = cell(nb, "density_ratio")
    nb.cells.remove(c)
    nb.cells.insert(2, c)


@unusual
def generators_and_recursion(nb):
    answer(nb, "game_value", "def terms(D, p, g, pi):\n    yield pi * torch.xlogy(p, D)\n    yield (1 - pi) * torch.xlogy(g, 1 - D)\n\ndef add(xs):\n"
                             "    return xs[0] if len(xs) == 1 else xs[0] + add(xs[1:])\n\ndef game_value(D, p, g, pi):\n    return add(list(terms(D, p, g, pi))).sum(-1)")


@unusual
def constants_of_the_notebook(nb):
    answer(nb, "game_value", "TINY = 0\ncount = 0\n\ndef game_value(D, p, g, pi):\n    global count\n    count += 1\n"
                             "    return (pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).sum(-1) + TINY * PI * A")


@unusual
def helper_deleted_afterwards(nb):
    answer(nb, "jsd", cell(nb, "jsd").source + "\nhelper = 3\ndel helper")
    before(nb, "test_jsd", "%reset_selective -f helper")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    course = Course(tmp_path_factory.mktemp("honest"), NAME)
    for student, change in UNUSUAL.items():
        made = change(notebook := course.master())
        if made is None:
            course.submit(student, notebook)
        else:
            name, data = made if isinstance(made, tuple) else (f"{NAME}.ipynb", made)
            (course.handed_in(student) / name).write_bytes(data)
    course.submit("blank", course.blank())
    said = course.grade("--jobs", "2")
    course.nbgrader("generate_feedback", NAME)
    return course, said, course.scores()


@pytest.mark.parametrize("student", UNUSUAL)
def test_an_honest_submission_keeps_all_its_points(graded, student):
    course, said, scores = graded
    assert student in scores, next((line for line in said.splitlines() if line.startswith(student)), "no row in the table")
    lost = {q: scores[student][q] for q, most in questions(NAME).items() if scores[student][q] != most}
    assert not lost
    assert len(course.feedback(student)) > 10_000


def test_there_are_enough_and_all_are_in_the_table(graded):
    assert len(UNUSUAL) >= 30
    assert all(any(line.startswith(student) for line in graded[1].splitlines()) for student in UNUSUAL)
    row = next(line for line in graded[1].splitlines() if line.startswith("renamed"))
    assert "my solution (2) final.ipynb was taken for ex01_minimax.ipynb" in row


def test_feedback_of_a_blank_release_teaches_and_hides(graded):
    course, text = graded[0], graded[0].feedback("blank")
    assert "NotImplementedError" in text and "test_game_value" in text
    hidden = [line.strip() for line in cell(course.master(), "test_jsd").source.split("HIDDEN TESTS")[1].splitlines() if len(line) > 12]
    assert hidden and not any(line in text for line in hidden) and str(course.folder) not in text


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


@pytest.fixture(scope="module")
def semester(tmp_path_factory):
    """Five submissions: early, late, two late ones that say that they are early, and one that a person marked."""
    from nbgrader.api import Gradebook
    course = Course(tmp_path_factory.mktemp("semester"), NAME, LATE)
    (course.folder / "lateness.py").write_text(PLUGIN)
    course.nbgrader("db", "assignment", "add", NAME, "--duedate=2027-05-01 12:00:00 UTC")
    for student in ("early", "late", "marked"):
        course.submit(student, course.master())
    (course.handed_in("early") / "timestamp.txt").write_text("2027-04-30 12:00:00 UTC")
    (course.handed_in("late") / "timestamp.txt").write_text("2027-05-02 12:00:00 UTC")
    name, data = in_a_zip(course.master())
    (course.handed_in("zipped") / name).write_bytes(data)
    (course.handed_in("zipped") / "timestamp.txt").write_text("2027-05-02 12:00:00 UTC")
    course.submit("garbled", course.master())
    (course.handed_in("garbled") / "timestamp.txt").write_bytes(b"\xff\xfe yesterday, I swear")
    first = course.grade()
    with Gradebook(f"sqlite:///{course.folder}/gradebook.db") as book:
        book.find_grade("written", NAME, NAME, "marked").manual_score = 3.5
        book.db.commit()
    return course, first


def test_lateness_is_what_the_collector_says(semester):
    rows = {line.split()[0]: line for line in semester[1].splitlines()}
    assert "31/35" in rows["early"] and "points off" not in rows["early"]
    assert all("30/35" in rows[who] and "1 points off for lateness" in rows[who] for who in ("late", "zipped"))
    assert "31/35" in rows["garbled"] and "unreadable timestamp" in rows["garbled"]


def test_regrading_keeps_marks_and_grades_what_changed(semester):
    course = semester[0]
    changed = course.master()
    answer(changed, "game_value", "pass")
    course.submit("early", changed)
    rows = {line.split()[0]: line for line in course.grade().splitlines()}
    assert "29/35" in rows["early"] and "graded" in rows["early"] and "as before" in rows["late"] and "34.5/35" in rows["marked"]
    rows = {line.split()[0]: line for line in course.grade("--force").splitlines()}
    assert "34.5/35" in rows["marked"] and "as before" not in rows["late"]
    course.nbgrader("autograde", NAME, "--force")
    assert course.scores()["marked"]["written"] == 3.5


def test_marks_come_out_for_learning_platforms(semester):
    course = semester[0]
    for options, student, score in ((["--lms", "canvas"], "SIS User ID", NAME), (["--lms", "moodle"], "Username", NAME),
                                    (["--columns", "Who={student}", "Exercise {assignment}={score}"], "Who", f"Exercise {NAME}")):
        course.grade("--export", "marks.csv", *options)
        with open(course.folder / "marks.csv", newline="") as file:
            rows = {row[student]: row for row in csv.DictReader(file)}
        assert rows.keys() == {"early", "late", "marked", "zipped", "garbled"}
        assert float(rows["late"][score]) == 30 and float(rows["marked"][score]) == 34.5


def test_nbgraders_own_notebooks_are_valid(graded):
    for path in (graded[0].folder / "autograded").rglob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))
