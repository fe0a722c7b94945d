"""Every exercise, found by its folder: the master's answers are right, and its checks accept
what is right and nothing else."""
import functools
import random
import re
import warnings
from importlib import import_module

import nbformat
import pytest
from exercise import ROOT, cells, namespace, nbgrader, questions, run, short, solution

from course_lib.hidden import answers

EXERCISES = sorted(path.name for path in (ROOT / "solutions").glob("ex*"))
QUESTIONS = [(name, question) for name in EXERCISES for question in questions(name)]
ANSWERS = [(name, path) for name in EXERCISES for path in sorted(answers(name).glob("*/*.py"))]
by_exercise = pytest.mark.parametrize("name", EXERCISES)
by_question = pytest.mark.parametrize(
    "name, question", QUESTIONS, ids=[f"{short(name)}-{question}" for name, question in QUESTIONS])
by_answer = pytest.mark.parametrize(
    "name, path", ANSWERS, ids=[f"{short(name)}-{p.parent.name}-{p.stem}" for name, p in ANSWERS])


def answers_to(name: str, question: str = "*") -> list:
    """The files of known answers."""
    return sorted(answers(name).glob(f"{question}/*.py"))


def check(name: str, question: str, answer, seed: int = 0) -> None:
    """Silent, since nbgrader gives no points to a cell that writes a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checks = import_module(f"course_lib.hidden.{short(name)}.checks")
        getattr(checks, f"check_{question}")(answer, seed)


@by_question
def test_the_masters_answer_is_right(name, question, thorough):
    """On a seed that the exercise does not have; on its own, tests/test_nbgrader_loop.py grades."""
    answer = run(name, question, solution(name, question))
    for seed in (0, 3, 4) if thorough else (0,):
        check(name, question, answer, seed)


@by_answer
def test_answers(name, path, thorough):
    """On one of eight seeds, or three, which differ from answer to answer."""
    question = path.parent.name
    answer = run(name, question, path.read_text())
    for seed in random.Random(f"{question}/{path.stem}").sample(range(8), 3 if thorough else 1):
        if path.stem.startswith("right"):
            check(name, question, answer, seed)
        else:
            with pytest.raises(AssertionError, match=r"\w+ \w+"):
                check(name, question, answer, seed)


@by_answer
def test_an_answer_says_first_what_is_different(name, path):
    assert re.match(r"# \S.{20,}\n", path.read_text())


@by_question
def test_no_two_answers_say_the_same(name, question):
    """Feedback names a slip by its first line."""
    lines = [path.read_text().split("\n", 1)[0] for path in answers_to(name, question)]
    assert len(set(lines)) == len(lines)


@by_question
def test_there_are_enough_answers(name, question):
    kinds = [path.stem.split("_")[0] for path in answers_to(name, question)]
    assert kinds.count("wrong") >= 6 and kinds.count("right") >= 2
    assert set(kinds) == {"wrong", "right"}


@by_exercise
def test_answers_belong_to_questions(name):
    assert {path.parent.name for path in answers_to(name)} <= set(questions(name))


@by_exercise
def test_the_exercise_does_not_import_what_it_asks_for(name):
    notebook = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)
    library = ROOT / "course_lib"
    rooms = [library / name for name in ("checks", "proofs", "nets")]
    files = [path for room in rooms for path in room.rglob("*.py")]
    files += [library / "show.py", *answers(name).parent.glob("*.py"), *answers_to(name)]
    texts = [path.read_text() for path in files] + [cell.source for cell in notebook.cells]
    for module in notebook.metadata.course["asks_for"]:
        package, last = module.rsplit(".", 1)
        imports = re.compile(rf"\b{module}\b|from {package} import .*\b{last}\b")
        assert not [text for text in texts if imports.search(text)]


@by_exercise
def test_each_question_is_complete(name):
    for i, cell in enumerate(cells(name)):
        about = nbgrader(cell)
        if not about["grade"] or about["solution"]:
            continue
        question = about["grade_id"].removeprefix("test_")
        if question != "proof":
            visible, hidden = cell.source.split("HIDDEN TESTS")[:2]
            assert "assert" in visible
            assert f"{short(name)}.check_{question}({question}, seed)" in hidden
        before = cells(name)[:i]
        asked = [nbgrader(other) for other in before if nbgrader(other).get("grade_id") == question]
        assert any(answer["solution"] for answer in asked)
        above = [other.source for other in reversed(before)]
        text = next(source for source in above if source.startswith("## "))
        hints = next(source for source in above if source.startswith("<details>"))
        assert f"*{about['points']} points, " in text and "minutes" in text
        assert "★" in text and text.count("$") > 2
        assert hints.count("<details>") == hints.count("</details>") == 3


@by_exercise
def test_the_header_counts_the_points(name):
    total = sum(nbgrader(cell)["points"] for cell in cells(name) if nbgrader(cell)["grade"])
    header = next(cell.source for cell in cells(name) if cell.cell_type == "markdown")
    rows = [int(points) for points in re.findall(r"(?m)^\| \d+ \|.*\| (\d+) \| \d+ \|$", header)]
    assert f"**{total} points" in header and sum(rows) == total


def visible(name: str, question: str) -> str:
    """What students see of a question's test."""
    test = next(c.source for c in cells(name) if nbgrader(c).get("grade_id") == f"test_{question}")
    return test.split("### BEGIN HIDDEN TESTS")[0]


def sees(name: str, question: str, source: str) -> bool:
    """Whether the visible test fails for an answer."""
    try:
        exec(visible(name, question), namespace(name, source))
    except Exception:
        return True
    return False


@by_question
def test_a_visible_test_names_a_missing_return(name, question):
    if question == "proof":
        return
    answer = run(name, question, solution(name, question))

    @functools.wraps(answer)
    def forgets(*args, **named):
        answer(*args, **named)

    with pytest.raises(AssertionError, match="return missing|got None|keep the last line"):
        exec(visible(name, question),
             namespace(name, solution(name, question)) | {question: forgets})


@by_exercise
def test_visible_tests_pass_right_answers_and_catch_most_wrong_ones(name):
    caught = {path: sees(name, path.parent.name, path.read_text()) for path in answers_to(name)
              if path.parent.name != "proof"}
    assert not [path for path, failed in caught.items() if path.stem.startswith("right") and failed]
    wrong = {path: failed for path, failed in caught.items() if path.stem.startswith("wrong")}
    passed = [f"{path.parent.name}/{path.stem}" for path, failed in wrong.items() if not failed]
    assert len(passed) <= 0.2 * len(wrong), f"{len(passed)} of {len(wrong)} pass: {passed}"
