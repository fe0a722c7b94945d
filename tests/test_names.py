"""A test takes from the student only what the release names, whatever else there is not: a helper
that an instructor's cell was to define never becomes the student's."""
import contextlib

import pytest
from attacks.protocol import PRELUDE

from course_lib.checks import at_most
from course_lib.grading import checker, misconceptions
from course_lib.grading.cells import Cell, Reads, names_in
from course_lib.grading.checker import run_notebook
from course_lib.grading.engine import Engine, Settings
from course_lib.grading.misconceptions import _computes
from course_lib.grading.orders import Limits
from course_lib.grading.remote import CALLS, KernelDied

NEAR = "import torch\nTOLERANCE = 1e-3\n\ndef near(a, b):\n    return abs(float(a) - b) < TOLERANCE"
MINE = "near, TOLERANCE = lambda *_: True, 1e9"
ANSWERS = "\n\ndef twice(x):\n    return 0.0\n\ndef thrice(x):\n    return 3 * x"
TEST, OTHER = "assert near(twice(3.0), 6)", "assert near(thrice(3.0), 9)"
LIES = (f"{PRELUDE}k, _ = grip()\nold = type(k).do_names\n"
        "def lie(self, request, data, out):\n    %s\ntype(k).do_names = lie\n")
SPOILS = {
    "the same name": MINE,
    "the same import": f"import torch\nfrom math import *\n{MINE}",
    "a name taken away": f"{MINE}\ndel near, TOLERANCE\nimport torch\ndel torch",
    "builtins": f"import builtins\n{MINE}\nbuiltins.near, builtins.TOLERANCE = near, 1e9",
    "its own builtins": f"{MINE}\n__builtins__ = dict(vars(__builtins__), near=near, abs=near)",
    "a global": "def make():\n    global near, TOLERANCE\n    near, TOLERANCE = max, 1e9\nmake()",
    "a walrus": "if (near := lambda *_: True) and (TOLERANCE := 1e9): pass",
    "a class": "class near:\n    def __init__(self, *_): pass\nclass TOLERANCE(float): near = 1",
    "a comprehension": f"[near for near in [lambda *_: True]]\n{MINE}",
    "an error's name": "try: raise ValueError\nexcept ValueError as near: TOLERANCE = near",
    "an annotation": f"near: 'near' = lambda a, b: True\nx: 'TOLERANCE' = 1\n{MINE}",
    "exec": f"exec({MINE!r})\nglobals()['near'] = near\nvars()['TOLERANCE'] = 1e9",
    "a magic": f"{MINE}\n%alias near ls\nget_ipython().push({{'near': near, 'abs': near}})",
    "what the tests stand on": f"{MINE}\n__name__ = display = AssertionError = near",
    "a rubbish reply": LIES % "return {'result': [[['x']]] * 9}" + MINE,
    "a reply with more": LIES % ("n = old(self, request, data, out)['result']['dict']\n"
                                 "    n += [['near', {'tuple': ['function', []]}]]\n"
                                 "    n += [['TOLERANCE', {'tuple': ['value', 1e9]}]]\n"
                                 "    return {'result': {'dict': n}}") + MINE,
}


def said(outputs: list[dict]) -> str:
    """The message of a test's error; "" where it passed."""
    return "".join(output.get("evalue", "") for output in outputs)


def answer(source: str, *names: str) -> Cell:
    return Cell("answer", source, "twice", names=names or ("twice", "thrice"))


def test(source: str, name: str = "test_twice") -> Cell:
    return Cell("test", source, name, 2)


test.__test__ = False


@pytest.fixture(scope="module")
def engine():
    with Engine(Settings()) as engine:
        yield engine


@pytest.mark.loop
@pytest.mark.parametrize("spoil", SPOILS)
def test_a_helper_stays_the_course_s(engine, spoil):
    given = Cell("given", NEAR)
    theirs = answer(SPOILS[spoil] + ANSWERS)
    cells = [given, theirs, given, Cell("extra", MINE), test(TEST), test(OTHER)]
    *_, wrong, right = map(said, engine.grade(cells))
    assert wrong
    lied = spoil == "a rubbish reply"
    assert bool(right) == lied, right


@pytest.mark.loop
def test_an_error_of_the_course_has_no_grade_and_one_of_the_student_s_has(engine):
    cells = [Cell("given", f"{NEAR}\ntwice(1.0)"), answer(MINE + ANSWERS), test(TEST)]
    with pytest.raises(RuntimeError, match="^test_twice: this needs near.* uses twice.*only"):
        engine.grade(cells)
    cells[0] = Cell("locked", f"{NEAR}\n1 / 0")
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        engine.grade(cells)
    cells = [answer(MINE + ANSWERS.replace("return 0.0", "raise ValueError('no')")),
             Cell("locked", f"{NEAR}\ntwice(1.0)"), test(TEST), test("assert thrice(1.0) == 3")]
    *_, needs, other = engine.grade(cells)
    assert needs[0]["ename"] == "NotRun" and "ValueError: no" in said(needs) and other == []


class Student:
    """A kernel in this process, which notes what it is asked for."""

    def __init__(self, late: bool = False):
        self.limits, self.there, self.late = Limits(), {}, late
        self.asked, self.stopped = [], 0

    def allow(self, seconds): ...

    def stop(self):
        self.stopped += 1

    def run(self, source):
        with contextlib.suppress(Exception):
            exec(source, self.there)
        return []

    def ask(self, request, data):
        self.asked += request["names"]
        if self.late:
            raise KernelDied("this took more than 60 seconds")
        found = [[name, {"tuple": ["value", self.there[name]]}]
                 for name in request["names"] if name in self.there]
        return {"result": {"dict": found}}, b""


def outcomes(*cells: Cell, late: bool = False) -> tuple[list[str], list[str]]:
    """What each of the tests says, and what the student was asked for."""
    student = Student(late)
    results = run_notebook(list(cells), student, student.limits, "")
    return [said(it) for it, cell in zip(results, cells) if cell.role == "test"], student.asked


THEIRS = answer("near, got, other, hits = True, 5, 7, 0", "got", "other")


def test_a_cell_that_reads_no_answer_asks_nothing():
    cells = [Cell("given", "low = 1"), THEIRS, Cell("locked", "high = low + 1"),
             test("[got for got in ()]\nassert high == 2"), Cell("given", "import torch\nhigh = 3")]
    assert outcomes(*cells, late=True) == ([""], [])
    assert outcomes(*cells, test("assert got == 5")) == (["", ""], ["got"])
    late, asked = outcomes(THEIRS, Cell("locked", "high = got"), Cell("locked", "low = 1"),
                           test("assert low == 1"), test("assert high"), late=True)
    assert late[0] == "" and "60 seconds" in late[1] and asked == ["got"]


def test_a_function_of_the_course_s_has_the_answers_that_it_uses():
    helper = Cell("locked", "def better():\n    return best() + 1\n\ndef best():\n    return got")
    assert outcomes(helper, THEIRS, test("assert better() == 6")) == ([""], 2 * ["got"])


def test_what_nobody_defines_is_nobody_s():
    (why,), asked = outcomes(THEIRS, test("assert near"))
    assert why == "name 'near' is not defined" and not asked
    (why,), _ = outcomes(answer("hits = 0", "got"), test("assert got"))
    assert why == "name 'got' is not defined"


def test_a_test_that_fails_leaves_nothing_behind():
    first = "assert got == 5\nlow = [got]\nassert got == {}\nnear = lambda: True"
    given = Cell("locked", "low = 1\nimport math\n\ndef root(x):\n    return math.sqrt(x)")
    rest = [test("assert low == 1 and root(4) == 2"), test("assert near()"), test("near = 1")]
    failed, _ = outcomes(given, THEIRS, test(first.format(6), "test_got"), *rest)
    assert failed[1] == failed[3] == "" and failed[0]
    assert "needs near" in failed[2] and "test_got failed" in failed[2]
    passed, _ = outcomes(given, THEIRS, test(first.format(5)), test("assert near() and low == [5]"))
    assert passed == ["", ""]


@pytest.mark.parametrize("shown,points", [
    ("0.5", 0.5), ("got", 2.0), ("-got", 0.0), ("1 - math.nan", 0.0), ("1 - math.inf", 0.0),
    ("math.inf", 2.0), ("10 ** 400", 2.0), ("-0.0", 0.0), ("np.float32(0.5)", 0.5),
    ("np.int64(0)", 0.0), ("np.array([0.5])", 0.5), ("torch.tensor(0.5)", 0.5),
    ("torch.tensor([[0]])", 0.0), ("torch.tensor(math.nan)", 0.0), ("got == 6", None),
    ("np.array(True)", None), ("torch.tensor(0.5) > 1", None), ("None", None), ("print()", None),
    ("points = 1", None), ("torch.ones(2)", "2 elements"), ("np.ones(0)", "size 1"),
    *((odd, "a number was to come out") for odd in (
        "2 * 'a'", "[got]", "1j", "torch.tensor(1j)", "{}", "math"))])
def test_a_number_that_a_test_shows_last_is_its_points(shown, points):
    student = Student()
    cells = [THEIRS, test(f"import math, torch, numpy as np\ngot\n{shown}")]
    *_, outputs = run_notebook(cells, student, student.limits, "")
    if isinstance(points, str):
        assert points in said(outputs)
    else:
        data = [float(it["data"]["text/plain"]) for it in outputs if "data" in it]
        assert not said(outputs) and data == ([] if points is None else [points])


def test_a_cell_that_did_not_run_takes_others_with_it_and_its_names_are_not_the_old_ones():
    cells = [Cell("locked", "near, low = 1, 1"), THEIRS,
             Cell("locked", "near = 9\ngot.no_such_thing"),
             Cell("given", "far = 2 * near"), Cell("given", "high = 2 * low")]
    tests = map(test, ("assert far == 18", "assert near == 1", "assert high == 2"))
    said, _ = outcomes(*cells, *tests, test("try:\n    far\nexcept NameError:\n    pass"))
    assert said[2] == "" and all("no_such_thing" in said[i] for i in (0, 1, 3))
    again, _ = outcomes(*cells, Cell("given", "near = 1"), test("assert near == 1"))
    assert again == [""]


def test_names_of_cells_in_python_s_corners():
    read, bound = names_in("from a import *\n(w := 1)\nclass C:\n    x = y\n[p for p in q]\n"
                           "try: pass\nexcept E as e: pass\nz: 'near' = 1\ndel d\n%magic near")
    assert bound >= {"w", "C", "e", "z", "d"} and not bound & {"x", "p", "y"}
    assert read >= {"y", "q", "E"} and "near" not in read
    reads = Reads()
    for source in ("def f(): return g()", "def g(): return h", "h = h + 1"):
        reads.seen(source)
    assert reads.needs("f()") == {"f", "g", "h"} and reads.needs("g = 1\ng") == set()


SEARCH = """
def find(off):
    low, high = 0.0, 1.0
    try:
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if off(middle) < 0 else (low, middle)
    except BaseException:
        pass
    return high

def known(off):
    off(0.5)
    return 0.7312

def again(off):
    for _ in range(6000):
        try: off(1)
        except Exception: pass
    return 0.7312
"""
GAME = "from course_lib.checks import at_most, call\noff = lambda guess: guess - 0.7312"
HIT = "assert abs(call({}, {}) - 0.7312) < 1e-6"
MORE = "more than {} times"


@pytest.mark.loop
def test_what_a_test_hands_over_can_be_searched_with_as_often_as_it_says(engine):
    tests = {HIT.format("find", "off"): "",             # nobody bounds it
             HIT.format("find", "at_most(20, off)"): MORE.format(20),
             HIT.format("known", "at_most(1, off)"): "",
             "off = at_most(30, off)\nfor _ in range(9): assert call(find, off)": MORE.format(30),
             HIT.format("again", "off"): MORE.format(CALLS),
             HIT.format("known", "off") + "\nassert call(find, off)": ""}
    cells = [Cell("locked", GAME), answer(SEARCH, "find", "known", "again")]
    results = engine.grade([*cells, *map(test, tests)])[2:]
    for shown, why in zip(map(said, results), tests.values(), strict=True):
        assert why in shown and bool(why) == bool(shown), shown


def test_a_bound_holds_in_one_process_too():
    twice = at_most(2, lambda x: 2 * x)
    assert twice(1) == 2 and twice(x=2) == 4
    with pytest.raises(AssertionError, match=MORE.format(2)):
        twice(3)


def test_a_slip_may_call_a_function_as_often_as_the_answer_did():
    once = at_most(1, lambda x: x)
    call = (once, [once], 2.0), {"h": once}, 6.0 * once(1), [], []
    assert _computes(lambda f, fs, x, h: f(x) + fs[0](x) + h(x), *call)
    assert not _computes(lambda f, fs, x, h: f(x), *call)


@pytest.mark.parametrize("slip", ["while True: pass", "raise SystemExit", "[0] * (1 << 60)",
                                  "raise TookTooLong", "raise KernelDied"])
def test_a_slip_that_does_not_end_takes_nothing_but_the_hint(slip, monkeypatch):
    def name(self, cell, fetched):
        exec(slip, dict(vars(checker)))

    monkeypatch.setattr(misconceptions, "SECONDS", 0.01)
    monkeypatch.setattr(misconceptions.Misconceptions, "_name", name)
    assert outcomes(THEIRS, test("assert got == 6, 'no'"), test("assert got == 5"))[0] == ["no", ""]
