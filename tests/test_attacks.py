"""Hostile and broken submissions, graded beside honest ones: nobody gets what is not earned, and
nothing leaks or stays."""
import base64
import hashlib
import os
import re
import secrets
import shutil
import site
import subprocess
import sys
from contextlib import contextmanager
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import attacks
import psutil
import pytest
from attacks import CANARY, OUTLIVED
from course import Course, cell, on_one_seed
from exercise import questions

from course_lib.grading.tex import COMMANDS, ENVIRONMENTS

NAME = "ex01_minimax"
VICTIMS = ("a-victim", "c-victim", "h-victim", "lf-victim", "pf-victim", "rf-victim", "z-victim")
LATER = VICTIMS[3:6]                           # graded beside the attacks that wait for a limit
LIMITS = """
import os
c.Grading.memory = 1024
if "SHORT" in os.environ:
    c.Grading.cell_timeout, c.Grading.total_timeout = 5, 30
"""
KEPT = ("setup", "game_value", "optimal_discriminator", "jsd", "discriminator_loss",
        "generator_losses", "proof", "written")
ALIVE = ("iframe", "object", "embed", "form", "base", "link", "frame", "applet", "svg", "math",
         "template")
SCHEME = re.compile(r"(javascript|vbscript|data:(?!image/(png|jpeg);)|file):?")
TEX = re.compile(r"\\([A-Za-z]+)(?:\s*\{([A-Za-z]*)\*?\})?")
GROUPS = ("[a-l]*", "[m-z]*")                  # whose feedback is made side by side
FULL = {question: points for question, points in questions(NAME).items() if question in KEPT}
ATTACKS = attacks.load()
TAKEN = [name for name, attack in ATTACKS.items() if not attack.refused and not attack.ignored]
pytestmark = pytest.mark.loop


def canary() -> str:
    return CANARY + secrets.token_hex(8)


def hidden_forms(secret: str) -> list[str]:
    """What a secret looks like in feedback, also where it was encoded."""
    raw = secret.encode()
    inside = [base64.b64encode(b"12"[:i] + raw).decode()[4:-4] for i in range(3)]
    return [secret, secret[::-1], raw.hex(), raw.hex().upper(), *inside]


class Alive(HTMLParser):
    """What in a page could run, load or send: scripts, frames, handlers, addresses."""

    def __init__(self, page: str):
        super().__init__()
        self.found, self.texts, self.within = set(), [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.within.append(tag)
        if tag in ALIVE:
            self.found.add((tag, str(attrs)))
        if tag == "meta" and "refresh" in str(attrs):
            self.found.add((tag, str(attrs)))
        for key, value in attrs:
            scheme = re.sub(r"[\s\x00-\x20]", "", value or "").lower()
            if key.startswith("on") or SCHEME.match(scheme):
                self.found.add((tag, key, value))

    def handle_endtag(self, tag):
        while self.within and self.within.pop() != tag:
            pass

    def handle_data(self, data):
        if self.within and self.within[-1] in ("script", "style"):
            self.found.add((self.within[-1], hashlib.sha256(data.encode()).hexdigest()))
        elif not {"pre", "code"} & set(self.within):
            self.texts.append(data)            # MathJax reads these
            for name, environment in TEX.findall(data):
                edge = name in ("begin", "end")
                if environment not in ENVIRONMENTS if edge else name not in COMMANDS:
                    self.found.add(("tex", name, environment))


def snapshot(*places: Path) -> dict[str, str]:
    """Path -> kind and content of everything in the folders, but for what grading makes."""
    found = {}
    for place in places:
        for root, dirs, files in os.walk(os.fsencode(place)):
            if root == os.fsencode(place):
                dirs[:] = [d for d in dirs if d not in (b".grading", b"autograded", b"feedback")]
                files = [f for f in files if f not in (b"gradebook.db", b".nbgrader.log")]
            for name in (*dirs, *files):
                path = os.path.join(root, name)
                mode = os.lstat(path).st_mode
                regular = mode & 0o170000 == 0o100000 and os.path.getsize(path) < 50 << 20
                content = Path(os.fsdecode(path)).read_bytes() if regular else b""
                found[str(path)] = f"{mode:o} {hashlib.sha256(content).hexdigest()}"
    return found


def listing() -> dict[str, list]:
    """What lies where a submission could have left something on this machine."""
    places = (*site.getsitepackages(), "/dev/shm", "/etc", "/", "/usr/local/bin", "/var/tmp")
    return {place: sorted(os.listdir(place)) for place in places if os.path.isdir(place)}


SECRETS = ("environment", "course", "home", "submission", "hidden tests", "solution", "rubric")


@pytest.fixture(scope="module")
def planted(tmp_path_factory, thorough):
    """A released course with secrets in its solutions and hidden tests, to be copied; and the
    secrets."""
    secret = {what: canary() for what in SECRETS}
    folder = tmp_path_factory.mktemp("planted")
    course = Course(folder, NAME, LIMITS)
    master = course.master()
    name = lambda c: c.metadata.get("nbgrader", {}).get("grade_id", "").removeprefix("test_")
    master.cells = [c for c in master.cells if name(c) in KEPT or "grade_proof" in c.source]
    test = cell(master, "test_game_value")
    line = f"secret = '{secret['hidden tests']}'\n"
    test.source = test.source.replace("### END HIDDEN", f"{line}### END HIDDEN")
    answer, written = cell(master, "game_value"), cell(master, "written")
    answer.source = answer.source.replace("    ### END", f"    # {secret['solution']}\n    ### END")
    written.source = written.source.replace("### END", f"{secret['rubric']}\n### END")
    course.release_anew(master if thorough else on_one_seed(master))
    return folder, secret


class Run:
    """A course with its secrets, and what runs of the grader on all submissions came to."""

    def __init__(self, factory, planted, names):
        folders = [factory.mktemp(name) for name in ("course", "home", "marks", "temp")]
        self.folder, self.home, self.marks, self.temp = folders
        source, self.secrets = planted
        shutil.copytree(source, self.folder, dirs_exist_ok=True)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.env = os.environ | {"HOME": str(self.home), "TMPDIR": str(self.temp), "PATH": path,
                                 "OMP_NUM_THREADS": "1",
                                 "GRADER_TOKEN": self.secrets["environment"]}
        self.attacks, self.changed = {name: ATTACKS[name] for name in names}, []
        self.course = course = Course.there(self.folder, NAME)
        (self.folder / "secret.txt").write_text(self.secrets["course"])
        (self.home / "secret.txt").write_text(self.secrets["home"])
        course.release, course.home, course.marks = course.blank(), self.home, self.marks

    def hand_in(self, victims, waits: bool | None = None) -> None:
        """All attacks, or those that wait for a limit, or those that do not; and the victims'
        honest work."""
        for student in victims:
            honest = self.course.master()
            cell(honest, "written").source = f"My own thoughts, {self.secrets['submission']}."
            cell(honest, "game_value").source = attacks.RIGHT
            self.course.submit(student, honest)
        for attack in self.attacks.values():
            if waits in (None, attack.waits):
                attack.put(self.course)

    def command(self, *command: str, wait: bool = True, **env: str):
        words = [sys.executable, "-m", *command]
        running = subprocess.Popen(words, cwd=self.folder, env=self.env | env,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return self.finish(running) if wait else running

    def finish(self, running) -> tuple[int, str]:
        said = running.communicate(timeout=1800)[0].decode("utf-8", "replace")
        return running.returncode, said

    @contextmanager
    def watched(self):
        """Notes what changes on this machine meanwhile, but for what grading makes."""
        look = lambda: (snapshot(self.folder, self.home), listing())
        before = look()
        yield
        for then, now in zip(before, look()):
            both = then.keys() | now.keys()
            self.changed += [path for path in both if then.get(path) != now.get(path)]

    def left(self) -> list[str]:
        """Processes that the run or a submission left behind."""
        found, marks = [], (OUTLIVED, str(self.temp), self.secrets["environment"])
        for process in psutil.process_iter():
            try:
                variables = [f"{key}={value}" for key, value in process.environ().items()]
                words = " ".join(process.cmdline() + variables)
            except psutil.Error:
                continue
            if process.pid != os.getpid() and any(mark in words for mark in marks):
                found.append(f"{process.pid} {process.name()} {' '.join(process.cmdline())[:100]}")
        return found


@pytest.fixture(scope="module")
def run(tmp_path_factory, planted):
    """All attacks and all victims, graded in the parallel form, with feedback.

    Those that wait for a limit come in a second run with short limits, many at a time. What must
    earn points beside them takes less than a tenth of these; in the first run, under the course's
    own, a hundredth."""
    run = Run(tmp_path_factory, planted, ATTACKS)
    run.hand_in([name for name in VICTIMS if name not in LATER], waits=False)
    with run.watched():
        first = run.command("course_lib.grading", NAME, "--jobs", "2")
    run.hand_in(LATER, waits=True)
    with run.watched():
        run.code, run.said = run.command("course_lib.grading", NAME, "--jobs", "6", SHORT="1")
        run.remains, run.unclean = run.left(), sorted(os.listdir(run.temp))
        make = ("nbgrader", "generate_feedback", NAME)
        feedback = [run.command(*make, f"--student={group}", wait=False) for group in GROUPS]
        run.feedback = [run.finish(running) for running in feedback]
    run.all = [first, (run.code, run.said)]
    run.scores = run.course.scores()
    made = (run.folder / "feedback").exists()
    run.honest = Alive(run.course.feedback(VICTIMS[0])).found if made else set()
    return run


def rows(said: str) -> list[str]:
    """The lines of the table, without its head."""
    return said.split("student ", 1)[-1].splitlines()[1:]


def row(said: str, student: str) -> str:
    """A student's line, in which names are cut off at 30 characters; "" where there is none."""
    its = lambda line: line[:30].split("  ")[0].rstrip() == student[:30]
    return next(filter(its, rows(said)), "")


def earned(scores: dict) -> dict[str, float]:
    return {question: points for question, points in scores.items() if points}


def test_the_runs_ended_well(run):
    for code, said in run.all:
        assert code == 0 and "Traceback" not in said, said[-3000:]
    assert all(code == 0 for code, _ in run.feedback), [said[-2000:] for _, said in run.feedback]


def test_each_submission_has_a_row(run):
    submitted = [attack for attack in run.attacks.values() if not attack.ignored]
    named = [attack.student for attack in submitted if attack.student in run.attacks]
    assert not [name for name in (*VICTIMS, *named) if not row(run.said, name)]
    assert len(rows(run.said)) == len(VICTIMS) + len(submitted)
    control = re.search(r"[^\n\x20-\x7e\u00a0-\U0010ffff]", run.said)
    assert not control, "control characters in the table"


@pytest.mark.parametrize("name", VICTIMS)
def test_a_victim_keeps_its_marks(run, name):
    assert earned(run.scores[name]) == FULL


@pytest.mark.parametrize("name", TAKEN)
def test_an_attack_earns_what_its_honest_part_does(run, name):
    attack, got = ATTACKS[name], earned(run.scores[name])
    assert got == attack.earns or (attack.may and got == attack.may), attack.tries


@pytest.mark.parametrize("name", [name for name in ATTACKS if name not in TAKEN])
def test_what_cannot_be_read_is_refused(run, name):
    attack = ATTACKS[name]
    assert str(attack.student) not in run.scores
    if attack.student in ATTACKS:
        assert re.search(r" refused .*\.$", row(run.said, name)), attack.tries
    assert not (attack.ignored and row(run.said, attack.student))


@pytest.mark.parametrize("name", TAKEN)
def test_feedback_tells_no_secrets_and_holds_nothing_alive(run, name):
    attack, page = ATTACKS[name], run.course.feedback(name)
    alive = Alive(page)
    plain = unescape(re.sub(r"<[^>]*>", "", page))
    for what, secret in run.secrets.items():
        shown = [form for form in hidden_forms(secret) if form in page or form in plain]
        assert not shown, f"{attack.tries} It read the {what}."
    files = (run.folder / "submitted" / name / NAME).glob("*.ipynb")
    sources = [path.read_text(errors="replace") for path in files if path.is_file()]
    if not any(str(run.folder) in source for source in sources):
        assert str(run.folder) not in plain, f"{attack.tries} It knows where the course is."
    never = ("BEGIN HIDDEN", "ex01.check_game", *attack.never)
    assert not [text for text in never if text in plain], attack.tries
    assert not alive.found - run.honest - FORMULAS, attack.tries


def test_nothing_else_changed(run):
    assert not run.changed
    assert not os.listdir(run.marks), "a file that was handed in was imported"


def test_nothing_stays(run):
    assert not run.remains
    assert not run.unclean, "temporary folders are left"


FORMULAS = {("math", f"[('display', '{kind}')]") for kind in ("block", "inline")}
FEW = ("broken-nul", "broken-zip_file", "broken-pipe", "cells-outputs_there",
       "leaving-call_kill_self_etc", "patching-builtins", "protocol-id_future_etc",
       "results-equal_etc")


def test_plain_nbgrader_gives_the_same(tmp_path_factory, planted):
    run = Run(tmp_path_factory, planted, FEW)
    run.hand_in(VICTIMS[:1])
    code, said = run.command("nbgrader", "autograde", NAME)
    assert code == 0, said[-3000:]
    scores = run.course.scores()
    assert earned(scores.pop(VICTIMS[0])) == FULL
    honest = {name: ATTACKS[name].earns for name in FEW if not ATTACKS[name].refused}
    assert {name: earned(points) for name, points in scores.items()} == honest
    assert "refused" in row(said, "broken-pipe")
    assert not run.left()
