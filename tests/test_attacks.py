"""Hostile and broken submissions, graded beside honest ones: nobody gets what is not earned, and nothing leaks or stays."""
import base64
import hashlib
import os
import re
import secrets
import site
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import attacks
import nbformat
import psutil
import pytest
from attacks import CANARY, OUTLIVED
from course import Course, cell
from exercise import questions

NAME = "ex01_minimax"
VICTIMS = ("a-victim", "c-victim", "h-victim", "lf-victim", "pf-victim", "rf-victim", "z-victim")
LIMITS = "\nc.Grading.cell_timeout = 8\nc.Grading.total_timeout = 60\nc.Grading.memory = 1024\n"
KEPT = ("setup", "game_value", "optimal_discriminator", "jsd", "discriminator_loss", "generator_losses", "proof", "written")
GROUPS = ("[a-l]*", "[m-z]*")                          # whose feedback is made side by side
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
        if tag in ("iframe", "object", "embed", "form", "base", "link", "frame", "applet", "svg", "math", "template"):
            self.found.add((tag, str(attrs)))
        if tag == "meta" and "refresh" in str(attrs):
            self.found.add((tag, str(attrs)))
        for key, value in attrs:
            scheme = re.sub(r"[\s\x00-\x20]", "", value or "").lower()
            if key.startswith("on") or re.match(r"(javascript|vbscript|data:(?!image/(png|jpeg);)|file):?", scheme):
                self.found.add((tag, key, value))

    def handle_endtag(self, tag):
        while self.within and self.within.pop() != tag:
            pass

    def handle_data(self, data):
        if self.within and self.within[-1] in ("script", "style"):
            self.found.add((self.within[-1], hashlib.sha256(data.encode()).hexdigest()))
        elif not {"pre", "code"} & set(self.within):
            self.texts.append(data)                        # MathJax reads these
            for tex in re.findall(r"\\(?:href|url|style|unicode|require|class|cssId|mmlToken)\b.{0,30}", data):
                self.found.add(("tex", tex))


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
                found[str(path)] = f"{mode:o} " + (hashlib.sha256(open(path, "rb").read()).hexdigest() if regular else "")
    return found


def listing() -> dict[str, list]:
    """What lies where a submission could have left something on this machine."""
    places = (*site.getsitepackages(), "/dev/shm", "/etc", "/", "/usr/local/bin", "/var/tmp")
    return {place: sorted(os.listdir(place)) for place in places if os.path.isdir(place)}


class Run:
    """A course with its secrets, and what a run of the grader on all submissions came to."""

    def __init__(self, factory, names):
        self.folder, self.home, self.marks, temp = (factory.mktemp(n) for n in ("course", "home", "marks", "temp"))
        self.secrets = {n: canary() for n in ("environment", "course", "home", "submission", "hidden tests", "solution", "rubric")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.env = os.environ | {"HOME": str(self.home), "TMPDIR": str(temp), "PATH": path, "OMP_NUM_THREADS": "1",
                                 "GRADER_TOKEN": self.secrets["environment"]}
        self.temp, self.attacks = temp, {name: ATTACKS[name] for name in names}
        self.course = course = Course(self.folder, NAME, LIMITS)
        master = course.master()
        name = lambda c: c.metadata.get("nbgrader", {}).get("grade_id", "").removeprefix("test_")
        master.cells = [c for c in master.cells if name(c) in KEPT or "grade_proof" in c.source]
        test = cell(master, "test_game_value")
        test.source = test.source.replace("### END HIDDEN", f"secret = '{self.secrets['hidden tests']}'\n### END HIDDEN")
        answer, written = cell(master, "game_value"), cell(master, "written")
        answer.source = answer.source.replace("    ### END", f"    # {self.secrets['solution']}\n    ### END")
        written.source = written.source.replace("### END", f"{self.secrets['rubric']}\n### END")
        nbformat.write(master, self.folder / "solutions" / NAME / f"{NAME}.ipynb")
        (self.folder / "gradebook.db").unlink()
        self.command("nbgrader", "generate_assignment", NAME, "--force")
        (self.folder / "secret.txt").write_text(self.secrets["course"])
        (self.home / "secret.txt").write_text(self.secrets["home"])
        course.release, course.home, course.marks = course.blank(), self.home, self.marks
        for student in VICTIMS:
            honest = course.master()
            cell(honest, "written").source = f"My own thoughts, {self.secrets['submission']}."
            cell(honest, "game_value").source = attacks.RIGHT
            course.submit(student, honest)
        for attack in self.attacks.values():
            attack.put(course)

    def command(self, *command: str, wait: bool = True):
        running = subprocess.Popen([sys.executable, "-m", *command], cwd=self.folder, env=self.env, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        return self.finish(running) if wait else running

    def finish(self, running) -> tuple[int, str]:
        said = running.communicate(timeout=900)[0].decode("utf-8", "replace")
        return running.returncode, said

    def left(self) -> list[str]:
        """Processes that the run or a submission left behind."""
        found = []
        for process in psutil.process_iter():
            try:
                words = " ".join(process.cmdline() + [f"{k}={v}" for k, v in process.environ().items()])
            except psutil.Error:
                continue
            if process.pid != os.getpid() and (OUTLIVED in words or str(self.temp) in words or self.secrets["environment"] in words):
                found.append(f"{process.pid} {process.name()} {' '.join(process.cmdline())[:100]}")
        return found


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """All attacks and all victims, graded in the parallel form, with feedback."""
    run = Run(tmp_path_factory, ATTACKS)
    before = snapshot(run.folder, run.home), listing()
    start = time.monotonic()
    run.code, run.said = run.command("course_lib.grading", NAME, "--jobs", "2")
    run.seconds = time.monotonic() - start
    run.remains, run.unclean = run.left(), sorted(os.listdir(run.temp))
    feedback = [run.command("nbgrader", "generate_feedback", NAME, f"--student={group}", wait=False) for group in GROUPS]
    run.feedback = [run.finish(running) for running in feedback]
    after = snapshot(run.folder, run.home), listing()
    run.changed = [path for then, now in zip(before, after) for path in then.keys() | now.keys() if then.get(path) != now.get(path)]
    run.scores = run.course.scores()
    run.honest = Alive(run.course.feedback(VICTIMS[0])).found if (run.folder / "feedback").exists() else set()
    return run


def rows(said: str) -> list[str]:
    """The lines of the table, without its head."""
    return said.split("student ", 1)[-1].splitlines()[1:]


def row(said: str, student: str) -> str:
    """A student's line, in which names are cut off at 30 characters; "" where there is none."""
    return next((line for line in rows(said) if line[:30].split("  ")[0].rstrip() == student[:30]), "")


def earned(scores: dict) -> dict[str, float]:
    return {question: points for question, points in scores.items() if points}


def test_the_run_ended_well(run):
    assert run.code == 0 and "Traceback" not in run.said, run.said[-3000:]
    assert all(code == 0 for code, _ in run.feedback), [said[-2000:] for _, said in run.feedback]


def test_each_submission_has_a_row(run):
    missing = [name for name in (*VICTIMS, *(a.student for a in run.attacks.values() if a.student in run.attacks)) if not row(run.said, name)]
    assert not missing and len(rows(run.said)) == len(VICTIMS) + sum(not a.ignored for a in run.attacks.values())
    assert not re.search(r"[^\n\x20-\x7e\u00a0-\U0010ffff]", run.said), "control characters in the table"


@pytest.mark.parametrize("name", VICTIMS)
def test_a_victim_keeps_its_marks(run, name):
    assert earned(run.scores[name]) == FULL


@pytest.mark.parametrize("name", TAKEN)
def test_an_attack_earns_what_its_honest_part_does(run, name):
    attack, got = ATTACKS[name], earned(run.scores[name])
    assert got == attack.earns or (attack.may and got == attack.may), attack.tries


@pytest.mark.parametrize("name", [name for name, attack in ATTACKS.items() if attack.refused or attack.ignored])
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
    plain = re.sub(r"<[^>]*>", "", page)
    for what, secret in run.secrets.items():
        assert not any(form in text for text in (page, plain) for form in hidden_forms(secret)), f"{attack.tries} It read the {what}."
    source = (run.folder / "submitted" / name / NAME).glob("*.ipynb")
    if not any(str(run.folder) in path.read_text(errors="replace") for path in source if path.is_file()):
        assert str(run.folder) not in plain, f"{attack.tries} It knows where the course is."
    assert not any(text in plain for text in ("BEGIN HIDDEN", "ex01.check_game", *attack.never)), attack.tries
    assert not alive.found - run.honest, attack.tries


def test_nothing_else_changed(run):
    assert not run.changed
    assert not os.listdir(run.marks), "a file that was handed in was imported"


def test_nothing_stays(run):
    assert not run.remains
    assert not run.unclean, "temporary folders are left"


FEW = ("broken-nul", "broken-zip_file", "cells-outputs_there", "leaving-call_kill_self_etc", "patching-builtins", "protocol-id_future_etc",
       "results-equal_etc", "broken-pipe")


def test_plain_nbgrader_gives_the_same(tmp_path_factory):
    run = Run(tmp_path_factory, FEW)
    for student in VICTIMS[1:]:
        (run.folder / "submitted" / student).rename(run.folder / student)
    code, said = run.command("nbgrader", "autograde", NAME)
    assert code == 0, said[-3000:]
    scores = run.course.scores()
    assert earned(scores.pop(VICTIMS[0])) == FULL
    honest = {name: ATTACKS[name].earns for name in FEW if not ATTACKS[name].refused}
    assert {name: earned(points) for name, points in scores.items()} == honest
    assert "refused" in row(said, "broken-pipe")
    assert not run.left()
