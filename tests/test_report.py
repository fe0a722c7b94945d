"""The page about a class, and where students read how they stand."""
import csv
import html
import random
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import nbformat
import pytest
from course import Course as WholeCourse
from course import with_answers
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from scipy.stats import pearsonr

from course_lib.grading import insight, normal, page, report, similar, standing
from course_lib.grading.course import Course
from course_lib.grading.insight import Mark
from course_lib.hidden import answers

NONE = MappingProxyType({})
QUESTIONS = {"test_loss": 2, "test_step": 3, "proof": 4}       # name in the gradebook -> points
STUB = "def {}(x):\n    raise NotImplementedError"


def released():
    """A notebook with two answers, their tests, and a written one."""
    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    mark = lambda name, **more: {"nbgrader": {"grade_id": name, "schema_version": 3} | more}
    nb = nbformat.v4.new_notebook(metadata={"course": {"answers": {"loss": [], "step": []}}})
    nb.cells = [code("import torch", id="given")]
    for name in ("loss", "step"):
        nb.cells += [
            code(STUB.format(name), id=name, metadata=mark(
                name, solution=True, grade=False, locked=False)),
            code(f"assert {name}", id=f"test_{name}", metadata=mark(
                f"test_{name}", solution=False, grade=True, locked=True, points=2))]
    nb.cells.append(text("Your proof.", id="proof", metadata=mark(
        "proof", solution=True, grade=True, locked=False, points=4)))
    return nb


@cache
def gradebook(name: str) -> bytes:
    """The file, with the questions: nbgrader takes seconds to begin one."""
    with TemporaryDirectory() as folder:
        with Gradebook(f"sqlite:///{folder}/gradebook.db", "course") as book:
            book.add_assignment(name)
            book.add_notebook(name, name)
            for cell, points in QUESTIONS.items():
                kind = "markdown" if cell == "proof" else "code"
                book.add_grade_cell(cell, name, name, max_score=points, cell_type=kind)
        return Path(folder, "gradebook.db").read_bytes()


class Made:
    """A course in a folder, whose gradebook is filled by hand: `marks` are student -> points of
    each question, None where a person still marks."""

    def __init__(self, folder: Path, name: str = "made"):
        self.folder, self.name = folder, name
        directory = CourseDirectory(
            root=str(folder), course_id="course", assignment_id=name,
            source_directory="solutions", release_directory="exercises")
        self.url = directory.db_url
        self.write(released(), "exercises", name)
        (folder / "gradebook.db").write_bytes(gradebook(name))
        self.course = Course(directory)

    def write(self, nb, *folders: str) -> None:
        place = self.folder.joinpath(*folders)
        place.mkdir(parents=True, exist_ok=True)
        nbformat.write(nb, place / f"{self.name}.ipynb")

    def hand_in(self, student: str, points: Sequence[float | None] = (),
                cells: Mapping = NONE, slips: Mapping = NONE, seconds: float | None = None):
        """cells: answer -> source. slips: question -> what was named."""
        nb = released()
        for cell in nb.cells:
            cell.source = cells.get(cell.id, cell.source)
        self.write(nb, "submitted", student, self.name)
        if not points:
            return
        submission = self.course.stage(student)
        for cell in nb.cells:
            if cell.id.removeprefix("test_") in slips and cell.id.startswith("test_"):
                said = slips[cell.id.removeprefix("test_")]
                cell.outputs = [nbformat.v4.new_output(
                    "error", ename="AssertionError", evalue="wrong", traceback=[
                        "AssertionError: wrong", f"in {cell.id}", "On these inputs your answer "
                        f"does what a well-known slip does: it {said}."])]
        nb.metadata["grading"] = {"seconds": seconds}
        self.write(nb, "autograded", student, self.name)
        self.course.mark_done(submission)
        with Gradebook(self.url, "course") as book:
            book.update_or_create_student(student)
            book.update_or_create_submission(self.name, student)
            for question, score in zip(QUESTIONS, points):
                grade = book.find_grade(question, self.name, self.name, student)
                grade.auto_score, grade.needs_manual_grade = score, score is None
            book.db.commit()

    def page(self, *, pseudonyms: bool = False, status: Mapping = NONE,
             to: Path = page.USUAL) -> Path:
        taken = self.course.stage_all()
        return page.write(self.course, taken, report.rows(self.course, taken, status), to,
                          pseudonyms)


def table(path: Path, name: str) -> list[dict]:
    with open(path.with_name(f"{path.stem}-{name}.csv"), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def slope(a: str, b: str, c: str) -> str:
    """An answer of some ten lines, in which names are what one likes."""
    return f'''def loss({a}):
    {b} = torch.linalg.eigh({a} @ {a}.T + 3 * torch.eye(len({a})))
    {c} = [torch.sinc({b}[0] * k).cumsum(0).flip(0) for k in range(2, 17, 5)]
    for k in range(len({c})):
        {c}[k] = torch.where({c}[k] > 0.25, {c}[k].rsqrt(), {b}[1].tril(-2).sum(0))
        if k % 3 == 1:
            {c}[k] -= {c}[k].roll(4).clamp(min=-1.5)
    return torch.stack({c}).logcumsumexp(1).mean() / math.e
'''


REFORMATTED = '''def loss(matrix: "torch.Tensor") -> "torch.Tensor":
    """All my own work."""
    import math      # at last
    both = torch.linalg.eigh(matrix @ matrix.T + (3 * torch.eye(len(matrix))))
    # here it comes
    parts = [
        torch.sinc(both[0]*k).cumsum(0).flip(0)
        for k in range(2, 17, 5)
    ]
    for k in range(len(parts)):
        parts[k] = torch.where((parts[k] > .25), parts[k].rsqrt(), both[1].tril(-2).sum(0))
        if (k % 3 == 1): parts[k] -= parts[k].roll(4).clamp(min = -1.5)
    return (torch.stack(parts).logcumsumexp(1).mean()) / math.e
'''
OTHER = '''def loss(x):
    total = torch.zeros(())
    for row in x:
        total = total + torch.nn.functional.softplus(row * 2 - 1).norm(p=3)
        if torch.isfinite(total).all() and len(x) > 7:
            total = total * torch.trapezoid(row, dx=0.1)
    left, right = total.expand(4, 4).triu(), torch.full((4, 4), 0.5)
    return torch.lerp(left, right, 0.3).amax(dim=0).square().sum() ** 0.5
'''


def cells(*sources: str) -> list[tuple[str, str, str]]:
    return [("loss", "code", source) for source in sources]


def found(students: dict, known: Sequence = ()) -> list[set[str]]:
    return [{pair.one, pair.other} for pair in similar.pairs(students, list(known))[0]]


def test_discrimination_is_the_correlation_with_the_rest():
    draw = random.Random(1)
    marks = []
    for i in range(30):
        ability = draw.random()
        for name in "abc":
            marks.append(Mark(f"s{i}", name, float(draw.random() < ability), 1.0, False))
        marks.append(Mark(f"s{i}", "same", 1.0, 1.0, False))
        marks.append(Mark(f"s{i}", "proof", draw.random(), 4.0, i == 3))
    by = {q.name: q for q in insight.questions(marks)}
    score = lambda name: [m.score for m in marks if m.question == name]
    rest = [b + c + 1 for b, c in zip(score("b"), score("c"))]
    assert by["a"].discrimination == pytest.approx(pearsonr(score("a"), rest)[0])
    assert by["proof"].n == 29 and by["proof"].waits == 1
    totals = [sum(m.score for m in marks if m.student == f"s{i}" and m.question != "proof")
              for i in range(30) if i != 3]
    mine = [m.score for m in marks if m.question == "proof" and not m.waits]
    assert by["proof"].discrimination == pytest.approx(pearsonr(mine, totals)[0])
    assert by["same"].discrimination is None and by["same"].why == "all have the same"
    few = insight.questions([mark for mark in marks if int(mark.student[1:]) < 9])
    assert {q.why for q in few} == {"fewer than 10 marked"}


def test_a_histogram_counts_everybody_once():
    draw = random.Random(2)
    for most in (0.3, 1, 7, 24, 100):
        scores = [round(draw.random() * most, 2) for _ in range(50)] + [0.0, most]
        for scored in (scores, [*scores, -1.5, most + 2], [most], []):
            bars = insight.histogram(scored, most)
            assert sum(n for _, _, n in bars) == len(scored) and 1 <= len(bars) <= 21
            for low, high, n in bars[:-1]:
                assert n == sum(low - 1e-9 <= score < high - 1e-9 for score in scored)


def test_one_answer_in_other_clothes_is_found_and_another_answer_is_not():
    students = {f"s{i}": [] for i in range(20)}
    students |= {"ann": cells(slope("x", "pair", "out")), "bob": cells(REFORMATTED),
                 "cem": cells(OTHER), "dan": cells("def loss(x):\n    return x.mean()")}
    assert found(students) == [{"ann", "bob"}]


def test_what_the_course_gave_or_many_have_is_no_sign():
    both = {"ann": cells(slope("x", "p", "out")), "bob": cells(REFORMATTED)}
    assert found(both) == [{"ann", "bob"}]
    assert not found(both, [("code", slope("a", "b", "c"))])
    many = both | {f"s{i}": cells(slope("y", f"q{i}", "r")) for i in range(20)}
    assert not found(many)
    short = {name: cells("def loss(x):\n    return torch.sigmoid(x).log().mean()") for name in "ab"}
    assert not found(short)


def test_copies_by_more_than_count_for_a_pair_are_a_group():
    students = {f"s{i}": [] for i in range(9)}
    copies = {name: cells(slope("y", f"q{name}", "r")) for name in ("ann", "bob", "cem")}
    pairs, _, same = similar.pairs(students | copies, [])
    assert not pairs and same == [["ann", "bob", "cem"]] and similar.few_of(12) == 2
    assert not similar.pairs(copies | {"dan": []}, [])[2], "nearly the whole class"


def test_a_discrimination_of_rounding_errors_is_0(monkeypatch):
    monkeypatch.setattr(insight.statistics, "correlation", lambda a, b: -2.3e-17)
    value, _ = insight.discrimination([0.0, 1.0] * 5, [1.0] * 10)
    assert str(value) == "0.0" and page.number(-0.001) == "0" and page.number(-0.5) == "−0.5"
    assert page._plain(-2.3e-17) == "-2.3e-17" and page._plain("=1+1") == "'=1+1"


def test_a_copied_text_is_found():
    words = [f"word{i}" for i in range(60)]
    text = lambda *said: [("proof", "markdown", " ".join(said))]
    students = {"ann": text(*words), "bob": text("My **own** proof.\n\n", *words).copy(),
                "cem": text(*reversed(words))}
    assert found(students) == [{"ann", "bob"}]


HOSTILE = {"deep": "(" * 20_000, "minus": "x = " + "-" * 49_000 + "1", "not": "not " * 12_000 + "x",
           "sum": "x = " + "1 + " * 12_000 + "1", "null": "x = 1\0", "call": "f" + "()" * 24_000,
           "attribute": "x" + ".y" * 24_000, "long": "x = 0x" + "f" * 49_000,
           "surrogate": "x = '\udc80'", "half": "def loss(:", "lambda": "lambda: " * 6_000 + "1",
           "tower": "x = " + "[" * 150 + "]" * 150, "bash": "%%bash\nrm -rf x", "empty": ""}


def test_a_hostile_source_stops_nothing():
    students = {name: cells(source) for name, source in HOSTILE.items()}
    students |= {"ann": cells(slope("x", "p", "out")), "bob": cells(REFORMATTED)}
    pairs, unread, _ = similar.pairs(students, [])
    assert {pairs[0].one, pairs[0].other} == {"ann", "bob"}
    assert not unread & {"ann", "bob", "half", "empty"}


def test_the_process_that_reads_may_die(monkeypatch, tmp_path):
    """Whose source ended it is said, and the rest is read."""
    fake = tmp_path / "reads"
    fake.write_text("#!/bin/sh\nwhile read -r line; do case $line in *dies*) kill -9 $$;; "
                    "esac; echo '[1]'; done\n")
    fake.chmod(0o755)
    monkeypatch.setattr(similar.sys, "executable", str(fake))
    sources = [("code", source) for source in ("a", "dies", "b", "dies too", "c")]
    assert list(similar.normal_forms(sources)) == [[1], None, [1], None, [1]]


def test_a_run_has_the_same_number_in_every_process():
    source = ("code", slope("x", "p", "out"))
    assert next(similar.normal_forms([source])) == normal.runs(*source) != []


EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Fourteen submissions; of `ann` and `bob` the same answer."""
    made = Made(tmp_path_factory.mktemp("made"))
    with Gradebook(made.url, "course") as book:
        book.add_student("ann", first_name=EVIL, last_name="=Muster", email="ann@uni.example")
        book.add_student("zoe", first_name="Zoe", last_name="Absent")
    said = {"loss": "forgets to detach", "step": "takes <b>half</b> a step"}
    comment = f"\n# ann wrote this {EVIL} </pre>\n"
    made.hand_in("ann", [2, 0, None], {"loss": slope("x", "p", "out") + comment},
                 {"step": said["step"]}, 9.25)
    made.hand_in("bob", [2, 3, 3.5], {"loss": REFORMATTED}, seconds=3.5)
    for i in range(10):
        slip = {"loss": said["loss"]} if i < 7 else {}
        made.hand_in(f"s{i}", [0, i % 4, i % 5 or None], {}, slip)
    made.hand_in("cem")
    made.hand_in("dan")
    theirs = lambda student: made.folder / "submitted" / student / "made" / "made.ipynb"
    theirs("cem").write_text("no notebook")
    theirs("bob").rename(theirs("bob").with_name("bob_final.ipynb"))
    return made


STATUS = {"dan": "failed: its checker ended (Killed) at dan"}


@pytest.fixture(scope="module")
def written(made):
    return made.page(status=STATUS)


class Text(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.text, self.open = [], [], []
        self.feed(page)
        self.text = re.sub(r"\s+", " ", " ".join(self.text))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        if tag == "style":
            self.open.append("")

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def test_the_page_says_what_the_gradebook_has(made, written):
    text = Text(written.read_text(encoding="utf-8")).text
    assert written == made.folder / "reports" / "made.html"
    with Gradebook(made.url, "course") as book:
        scores = {s.student.id: s.score for s in book.assignment_submissions("made")}
    rows = {row["student"]: row for row in table(written, "students")}
    assert {who: float(row["score"]) for who, row in rows.items() if row["score"]} == scores
    numbers = {row["what"]: row["value"] for row in table(written, "summary")}
    spread = insight.spread(list(scores.values()))
    assert {name: float(numbers[name]) for name in spread} == spread
    assert (numbers["handed in"], numbers["refused"], numbers["failed"]) == ("14", "1", "1")
    assert rows["zoe"]["status"] == "nothing handed in" and rows["ann"]["seconds"] == "9.25"
    loss, step, proof = table(written, "questions")
    assert (loss["all_points"], loss["no_points"], loss["marked"]) == ("2", "10", "12")
    assert (step["all_points"], step["some_points"], step["no_points"]) == ("3", "5", "4")
    assert proof["waiting"] == "3" and proof["marked"] == "9"
    assert "2 of 12 (17 %)" in text and f"{spread['median']:g}" in text
    assert "7 of 12: forgets to detach" in text and "its checker ended (Killed)" in text
    assert "9.2" in text and "A place to look, not a verdict." in text
    slips = [(row["question"], row["students"], row["of"]) for row in table(written, "slips")]
    assert slips == [("loss", "7", "12"), ("step", "1", "12")]


def test_what_a_person_must_mark_and_similar_answers_are_named(written):
    waiting = [(row["question"], row["student"]) for row in table(written, "waiting")]
    assert waiting == [("proof", "ann"), ("proof", "s0"), ("proof", "s5")]
    text = Text(written.read_text(encoding="utf-8")).text
    assert "3 answers wait for a person, and count 0, or what a person gave an earlier" in text
    assert "so far" not in text
    alike, = table(written, "alike")
    assert (alike["student"], alike["other"], alike["questions"]) == ("ann", "bob", "loss")
    assert text.count("logcumsumexp") == 2, "what each wrote"


def test_the_page_loads_nothing_and_all_from_students_is_text(written):
    page = written.read_text(encoding="utf-8")
    read = Text(page)
    assert EVIL in html.unescape(page) and EVIL in read.text and EVIL not in page
    assert "takes <b>half</b> a step" in read.text
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in read.tags}
    targets = [attrs[k] for _, attrs in read.tags for k in ("href", "src", "action") if k in attrs]
    assert targets and all(target.startswith("#") for target in targets)
    assert "http://" not in page and "https://" not in page and "url(" not in page
    policy = [a for tag, a in read.tags if tag == "meta" and "http-equiv" in a]
    assert policy[0]["content"].startswith("default-src 'none';")
    heads = [attrs for tag, attrs in read.tags if tag == "th"]
    assert all(attrs.get("scope") in ("col", "row") for attrs in heads)
    count = [tag for tag, _ in read.tags].count
    assert count("table") == count("caption") > 4 and count("h1") == 1
    assert next(row for row in table(written, "students") if row["student"] == "ann")["name"
                ].startswith("'=Muster"), "no formula"


def test_pseudonyms_hold_everywhere_and_in_every_assignment(made, written, tmp_path):
    place = made.page(pseudonyms=True, status=STATUS, to=tmp_path / "shown.html")
    files = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("shown*")}
    assert len(files) == 8
    names = "ann|bob|cem|dan|zoe|s[0-9]|=?muster|absent|uni\\.example"
    for name, text in files.items():
        assert not re.search(rf"(?i)(?<![a-z])({names})(?![a-z])", text), name
        assert EVIL not in html.unescape(text) and "_final" not in text, name
    assert "bob_final" in written.read_text(encoding="utf-8")
    mine = {row["student"]: row["score"] for row in table(place, "students")}
    theirs = [row["score"] for row in table(written, "students")]
    assert sorted(mine.values()) == sorted(theirs) and all(who[:2] == "P-" for who in mine)
    ordered = [row["student"] for row in table(place, "students") if row["status"] != "nothing "
               "handed in"]
    assert ordered == sorted(ordered), "the order tells nothing"
    secret = page.key(made.folder / ".grading")
    assert page.pseudonym(secret, "ann") in mine and page.pseudonym(secret, "zoe") in mine
    assert page.pseudonym(secret, "Zo\u00eb") == page.pseudonym(secret, "Zoe\u0308")
    assert page.pseudonym(b"another", "ann") not in mine
    assert (made.folder / ".grading/pseudonyms.key").stat().st_mode & 0o777 == 0o600


def test_one_answer_that_waits_without_points_is_told(tmp_path):
    made = Made(tmp_path)
    made.hand_in("ann", [2, 3, None])
    with Gradebook(made.url, "course") as book:
        book.find_grade_cell("proof", "made", "made").max_score = 0
        book.db.commit()
    place = made.page(to=tmp_path, pseudonyms=True)
    assert place.name == "made-pseudonyms.html"
    text = Text(place.read_text(encoding="utf-8")).text
    assert "What more than 2 share is not counted" in text
    assert "1 answer waits for a person, and counts 0, or what" in text and "1 answers" not in text


def test_a_notebook_without_points_beside_it_changes_no_name(tmp_path):
    """And the order is the notebook's, what failed and which slips are told."""
    copy = Made(tmp_path)
    theirs = released()
    theirs.cells = theirs.cells[:1]
    nbformat.write(theirs, tmp_path / "exercises/made/a.ipynb")
    with Gradebook(copy.url, "course") as book:
        book.add_notebook("a", "made")
    copy.course = Course(copy.course.dir)
    copy.hand_in("ann", [2, 0, 1], slips={"step": "takes half a step"})
    found = page.facts(copy.course, taken := copy.course.stage_all(),
                       report.rows(copy.course, taken, {}))
    assert [q.name for q in found["questions"]] == ["loss", "step", "proof"]
    assert found["slips"] == [("step", "takes half a step", 1)]
    assert found["said"]["step"] == {"a wrong result": 1}
    names = insight.graded(copy.course.release)
    assert {name for name, *_ in page.written(taken["ann"], names)} == {"loss", "step", "proof"}


def test_an_empty_course_has_a_page(tmp_path):
    text = Text(Made(tmp_path).page(to=tmp_path).read_text(encoding="utf-8")).text
    assert "Nothing is graded yet." in text and (tmp_path / "made-students.csv").exists()


def shown(made, student: str) -> str:
    """The table in front of a student's notebook."""
    about = {"assignment": "made", "notebook": "made", "student": student, "db_url": made.url}
    nb, _ = standing.Standing().preprocess(released(), {"nbgrader": about})
    return nb.cells[0].source if nb.cells[0].id == standing.CELL else ""


def rows_of(table: str) -> list[list[str]]:
    plain = re.sub(r"</?a[^>]*>", "", table)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in plain.split("<tr>")[1:]]


def test_a_student_sees_points_and_what_a_person_still_marks(made):
    assert rows_of(shown(made, "ann")) == [
        ["question", "points", "of", "all points in the class"],
        ["loss", "2", "2", "about 2 of 10"], ["step", "0", "3", "about 3 of 10"],
        ["proof", "a person still marks this", "4", ""]]      # of whom nine have a mark


def test_a_small_class_is_told_nothing_of_the_others(tmp_path):
    made = Made(tmp_path)
    for i in range(11):
        made.hand_in(f"s{i}", [i % 3, 3, 2])
    assert rows_of(shown(made, "s1")) == [["question", "points", "of"], ["loss", "1", "2"],
                                          ["step", "3", "3"], ["proof", "2", "4"]]


@pytest.mark.parametrize("part, said", [(0, "few"), (4, "few"), (9, "about 2 of 10"),
                                        (46, "nearly all"), (50, "nearly all")])
def test_of_the_class_only_tens_are_told(part, said):
    assert standing.in_ten(part, 50) == said


@pytest.mark.parametrize("part, said", [(3, "about 2 of 10"), (5, "about 3 of 10")])
def test_halves_are_rounded_up(part, said):
    assert standing.in_ten(part, 20) == said


@pytest.mark.loop
def test_a_graded_course_gets_its_page_by_one_option(tmp_path):
    course = WholeCourse(tmp_path, "ex01_minimax")
    wrong = with_answers(course.blank(), "wrong", 3, answers(course.name), only="density_ratio")
    course.submit("ann", wrong)
    course.submit("bob", course.blank())
    said = course.grade("--report")
    path = tmp_path / "reports" / "ex01_minimax.html"
    assert str(path) in said
    slip, = table(path, "slips")
    assert slip["question"] == "density_ratio" and slip["slip"].startswith("leaves out the prior")
    rows = {row["student"]: row for row in table(path, "students")}
    scores = course.scores()
    assert float(rows["ann"]["score"]) == sum(scores["ann"].values())
    assert all(float(row["seconds"]) > 0 for row in rows.values())
    assert table(path, "waiting") == [{"question": "written", "student": "ann"}]
    master = [cell.metadata.nbgrader.grade_id for cell in course.master().cells
              if cell.metadata.get("nbgrader", {}).get("grade")]
    names = [row["question"] for row in table(path, "questions")]
    assert names == [name.removeprefix("test_") for name in master], "in the notebook's order"
    course.nbgrader("generate_feedback", course.name, "--student=ann")
    feedback = course.feedback("ann")
    head = feedback[feedback.index('id="standing"'):].split("</table>")[0]
    assert '<a href="#test_density_ratio">density_ratio</a>' in head
    assert "a person still marks this" in head
    assert "bob" not in feedback and "in the class" not in feedback
