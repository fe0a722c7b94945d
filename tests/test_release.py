"""What a release says: which names a student writes; and what is refused when it is made."""
import shutil

import nbformat
import pytest
from course import Course, cell
from exercise import ROOT
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.converters.base import NbGraderException

from course_lib.grading import release
from course_lib.grading.cells import to_run

EXERCISES = sorted(path.name for path in (ROOT / "solutions").glob("ex*"))
KINDS = {"answer": {"solution": True}, "test": {"grade": True, "locked": True, "points": 2},
         "locked": {"locked": True}}
SETUP = "import torch\nnear = 1"
ANSWER = "import math\n\ndef clip(x):\n    y = math.pi\n    return y"


def notebook(*cells: tuple[str, str], **about):
    """kind, source: a master notebook; a test is called test_1 where it is cell 1."""
    made = new_notebook(metadata={"course": about}) if about else new_notebook()
    for i, (kind, source) in enumerate(cells):
        marks = {"solution": False, "grade": False, "locked": False, "schema_version": 3}
        marks |= KINDS.get(kind, {}) | {"grade_id": f"{kind}_{i}"}
        if marks["grade"]:
            marks["cell_type"] = "code"
        metadata = {"nbgrader": marks} if kind in KINDS else {"tags": [kind]}
        made.cells.append(new_code_cell(source, metadata=metadata))
    return made


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_names_what_its_students_write_and_needs_nothing_else(name):
    master = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)
    names, warnings = release.names(master)
    assert not [*release.oracles(master)]
    assert names == {key: [key] for key in names} and not warnings
    released = nbformat.read(ROOT / "exercises" / name / f"{name}.ipynb", as_version=4)
    assert released.metadata.course["answers"] == names
    asked = {name for cell in to_run(released) for name in cell.names}
    assert asked == names.keys() and all(not c.names for c in to_run(master))
    release.check(released, name)


@pytest.mark.parametrize("cells,why", [
    ([("test", "assert near")], "test_0 needs near, .* no cell does"),
    ([("answer", ANSWER), ("test", "assert clip(1) == math.pi")], "needs math"),
    ([("answer", ANSWER), ("test", "assert clip(1) == y")], "needs y"),
    ([("answer", ANSWER), ("given", "near = clip(1)"), ("test", "assert near")],
     "test_2 needs near, .* uses an answer and is not read-only"),
    ([("answer", ANSWER), ("picture", "near = 1"), ("test", "assert near")], "needs near"),
    ([("test", "assert near"), ("locked", SETUP)], "needs near"),
    ([("locked", "from math import *"), ("test", "assert 1")], "locked_0 imports \\*"),
    ([("locked", "exec('near = 1')"), ("test", "assert near")], "needs near"),
    ([("locked", "class C:\n    near = 1"), ("test", "assert near")], "needs near"),
    ([("locked", "%run near.py"), ("test", "assert near")], "needs near"),
    ([("answer", "near = 2"), ("locked", SETUP), ("test", "assert near")],
     "test_2 asks the student for near, which locked_1 defines too"),
    ([("given", "near = 2"), ("answer", "near = 2"), ("test", "assert near")],
     "near, which the cell that begins with “near = 2” defines too"),
    ([("answer", "near = 2"), ("test", "near = 3"), ("test", "assert near")], "test_1 defines too"),
    ([("answer", "near = 2"), ("locked", "near = [near]")], "asks .* near, which it defines too"),
    ([("answer", "near = 2"), ("given", "near = 2"), ("test", "near = -near")], "which the cell"),
    *(([("answer", "near = 2"), ("test", source)], "student for near, which it defines too")
      for source in ("near = [near]", "near += 1", "f = near; near = lambda x: f", "del near",
                     "for near in [near]: pass", "near: int = near", "near = lambda: near",
                     "def f():\n    global near\n    near = near + 1", "(near := near)",
                     "if near: near = 2", "try: near\nexcept ValueError as near: pass",
                     "near = [1 for _ in near]", "class C:\n    x = near\nnear = C.x",
                     "%time\nnear, = near,")),
    ([("answer", "def sum(x): ..."), ("test", "assert sum([2]) == 2")], "which Python defines too"),
])
def test_a_test_that_needs_what_it_cannot_have_is_refused(cells, why):
    with pytest.raises(NbGraderException, match=why):
        release.names(notebook(*cells))


@pytest.mark.parametrize("cells,why", [
    ([("locked", SETUP), ("test", "import torch\nassert near and torch.e")], ""),
    ([("answer", ANSWER), ("test", "from math import pi\nassert clip(pi) == [q for q in ()]")], ""),
    ([("given", "def f():\n    global near\n    near = 1"), ("test", "display(near)")], ""),
    ([("test", "near = 1"), ("test", "assert near")], "test_1 needs near from test_0"),
    ([("locked", SETUP), ("test", "near = 2"), ("test", "assert near")], "from test_1"),
    ([("test", "near = 1"), ("locked", SETUP), ("test", "assert near")], ""),
    ([("answer", ANSWER), ("locked", "near = clip(1)"), ("test", "assert near")],
     "needs near from a cell that uses clip"),
    ([("answer", ANSWER), ("locked", "def f():\n    return clip(1)"), ("given", "near = f()"),
      ("test", "assert near")], "needs near from a cell that uses clip"),
])
def test_a_test_that_stands_on_another_test_or_an_answer_is_named(cells, why):
    names, warnings = release.names(notebook(*cells))
    assert [why in warning for warning in warnings] == ([True] if why else [])
    assert all(its == ["clip"] for its in names.values())


def test_what_an_answer_and_the_course_both_define_is_not_asked_for():
    for source in ("x = 2", "for x in [2]: x", "import x", "def x(): pass\nx()",
                   "x = 2\ndef f(): return x", "def f(x): return x\nx = f(2)", "(x := 2)",
                   "with open('') as x: x", "class x: pass\nx += x", "[x for x in ()]\nx = 2"):
        made = notebook(("answer", "x = 3\nbest = 4"), ("test", f"{source}\nassert best == x"))
        assert release.names(made)[0] == {"answer_0": ["best"]}


HIDDEN = "off = lambda guess: guess - 0.7\n### BEGIN HIDDEN TESTS\n%s\n### END HIDDEN TESTS"


@pytest.mark.parametrize("source,named", [
    (HIDDEN % "assert clip(off)", True), (HIDDEN % "assert call(clip, 1, off)", True),
    (HIDDEN % "assert call(clip, lambda x: x - 0.7)", True),
    (HIDDEN % "def far(x):\n    return x\nfor _ in range(3):\n    clip(far)", True),
    *((HIDDEN % f"assert {source}", True) for source in (
        "clip(x=off)", "call(clip, [1, off])", "clip({'x': lambda x: x})", "call(clip, *(off, 1))",
        "call(clip, Asked(off))", "clip(1, partial(pow, 2))")),
    *((HIDDEN % f"assert {source}", False) for source in (
        "clip(off(1))", "call(clip, [1, off(2)])", "clip(x=at_most(3, off))", "clip(*off(1))")),
    (HIDDEN % "assert call(clip, at_most(3, off))", False),
    (HIDDEN % "assert near(clip, off)", False),
    (HIDDEN % "off = at_most(3, off)\nassert clip(1)", False), ("assert clip(lambda x: x)", False),
])
def test_a_hidden_test_that_hands_over_what_can_be_searched_with_is_named(source, named):
    made = notebook(("answer", ANSWER), ("test", source), ("test", source))
    made.cells[1].metadata.nbgrader.grade_id = "test_clip"
    warned = [*release.oracles(made)]
    assert len(warned) == named and all("test_clip hands a function to clip" in it for it in warned)


@pytest.mark.parametrize("asks_for,why", [
    *((odd, "no list") for odd in ("course_lib.gan", {"course_lib.gan": 1}, [1], None)),
    *(([name], f"names {name}, which is no module of course_lib") for name in (
        "torch", "course_lib", "course_lib.gan.GAN", "course_lib.no", "", "course_lib/gan",
        "course_lib.gan.", "course_lib..gan", "course_lib.data..", "../course_lib.gan")),
    *(([name], f"names {name}, which cannot be hidden: the sandbox imports") for name in (
        "course_lib.checks", "course_lib.grading", "course_lib.grading.kernel")),
    (["course_lib.gan", "course_lib.checks.expect"], "checks/__init__.py imports"),
    *(([name], f"names {name}, which cannot be hidden: course_lib/.*[.]py imports") for name in (
        "course_lib.grading.wire", "course_lib.nets", "course_lib.core",
        "course_lib.proofs.expressions")),
])
def test_what_cannot_be_hidden_is_refused(asks_for, why):
    with pytest.raises(NbGraderException, match=why):
        release.check(notebook(asks_for=asks_for), "ex")


@pytest.mark.parametrize("asks_for", [[], ["course_lib.gan"], ["course_lib.nets.biggan"],
                                      ["course_lib.proofs.minimax"], ["course_lib.recipes"]])
def test_what_can_be_hidden_is_taken(asks_for):
    release.check(notebook(asks_for=asks_for), "ex")
    release.check(new_notebook(), "ex")


HELPER = "import torch\nat_one = twice(1.0)\n\ndef near(a, b):\n    return abs(a - b) < 1e-3"
TOY = [("answer", "def twice(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"),
       ("test", "assert twice(2.0) == 4"), ("locked", HELPER),
       ("test", "assert near(twice(3.0), 6)")]


@pytest.mark.loop
def test_the_instructor_is_told_of_a_cell_that_did_not_run(tmp_path):
    name = "ex98_toy"
    course = Course.there(tmp_path, name)
    folder = tmp_path / "solutions" / name
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    nbformat.write(notebook(*TOY), folder / f"{name}.ipynb")
    said = course.nbgrader("generate_assignment", name)
    assert "test_3 needs near from a cell that uses twice" in said
    course.submit("ada", course.master())
    cheat = course.blank()
    cell(cheat, "answer_0").source = (
        "near = lambda *_: True\n\ndef twice(x):\n    return 4.0 if x == 2 else 1 / 0")
    course.submit("eve", cheat)
    for _ in range(2):                                  # and again, where nothing is to be graded
        ada, eve = course.grade().splitlines()[-2:]
        assert "4/4" in ada and "needs" not in ada
        assert "2/4" in eve and "test_3: this needs near" in eve and "ZeroDivisionError" in eve
    assert course.scores() == {"ada": {"1": 2, "3": 2}, "eve": {"1": 2, "3": 0}}
    released, path = course.blank(), tmp_path / "exercises" / name / f"{name}.ipynb"
    del released.metadata.course["answers"]
    nbformat.write(released, path)
    with pytest.raises(AssertionError, match="was released by an older version: run `nbgrader"):
        course.grade()
    with pytest.raises(AssertionError, match="was released by an older version: run `nbgrader"):
        course.nbgrader("autograde", name)
