"""nbgrader's exchange to its end, once per account: as root, students have accounts of their own;
else the one account there is plays all parts."""
import os
import pwd
import re
import shutil
import tempfile
from pathlib import Path

import nbformat
import pytest
from course import Course, with_answers
from exercise import ROOT
from nbgrader.apps.nbgraderapp import NbGraderApp

from course_lib.grading.secret import SECRET

NAME = "ex01_minimax"
FILE = f"{NAME}.ipynb"
ANSWERS = ROOT / "course_lib/hidden/ex01/answers"
pytestmark = pytest.mark.loop


class Student:
    """An account that runs nbgrader's commands in a folder of its own, with what a hub's
    administrator configures for everybody."""

    def __init__(self, course: Course, name: str):
        self.course, self.name = course, name
        self.home = course.folder / "home" / name
        self.home.mkdir(parents=True)
        shutil.copy(course.folder / "everybody.py", self.home / "nbgrader_config.py")
        self.uid = None
        if os.getuid() == 0:
            self.uid = pwd.getpwnam(name).pw_uid
            os.chown(self.home, self.uid, self.uid)

    def nbgrader(self, *command: str) -> str:
        return self.course.run("nbgrader", *command, cwd=self.home, uid=self.uid, env={
            "HOME": str(self.home), "JUPYTER_DATA_DIR": f"{self.home}/data",
            "JUPYTER_CONFIG_DIR": f"{self.home}/config", "IPYTHONDIR": f"{self.home}/ipython"})

    def submit(self, kind: str, k: int = 0) -> None:
        path = self.home / NAME / FILE
        nbformat.write(with_answers(self.course.blank(), kind, k, ANSWERS), path)
        self.nbgrader("submit", NAME)

    def feedback(self) -> list[str]:
        """The pages that were fetched, in the order of the submissions."""
        pages = sorted((self.home / NAME / "feedback").glob("*/*.html"))
        return [page.read_text(encoding="utf-8") for page in pages]


NAMES = ("games", "daemon") if os.getuid() == 0 else (pwd.getpwuid(os.getuid()).pw_name,)


@pytest.fixture(scope="module")
def course():
    """Released, handed in without an answer, graded once. Its folder is one that every account may
    enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    exchange = folder / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    place = f'c.Exchange.root = "{exchange}"\n'
    course = Course(folder, NAME, place)
    (folder / "everybody.py").write_text(
        f'c = get_config()\n{place}c.CourseDirectory.course_id = "generative-models"\n')
    course.nbgrader("release_assignment", NAME)
    course.people = [Student(course, name) for name in NAMES]
    for student in course.people:
        assert NAME in student.nbgrader("list")
        student.nbgrader("fetch_assignment", NAME)
        student.submit("no")
    graded(course)
    yield course
    shutil.rmtree(folder)


def score(page: str) -> float:
    return float(re.search(r"\(Score: ([\d.]+) /", page)[1])


def graded(course, *, one_by_one: bool = False) -> None:
    course.nbgrader("collect", NAME, "--update")
    course.nbgrader("autograde", NAME) if one_by_one else course.grade()
    course.nbgrader("generate_feedback", NAME)
    course.nbgrader("release_feedback", NAME)


def test_each_student_fetches_the_feedback_of_each_submission(course):
    first, last = course.people[0], course.people[-1]
    for student in course.people:
        said = student.nbgrader("list", "--cached", NAME)
        assert "feedback ready to be fetched" in said
        student.nbgrader("fetch_feedback", NAME)
    wrong, = first.feedback()[-1:]
    first.submit("right")
    graded(course, one_by_one=True)
    first.nbgrader("fetch_feedback", NAME)
    pages = first.feedback()
    assert pages[-2] == wrong and score(pages[-1]) > score(wrong)
    assert score(pages[-1]) == sum(course.scores()[first.name].values())
    assert "feedback already fetched" in first.nbgrader("list", "--cached", NAME)
    if first is not last:
        assert len(last.feedback()) == 1 and score(last.feedback()[0]) < score(pages[-1])
        assert not set(map(score, last.feedback())) & {score(pages[-1])}


def test_what_came_another_way_stops_nobodys_feedback(course):
    first = course.people[0]
    key = (course.folder / "feedback" / first.name / NAME / SECRET).read_text()
    for other, said in {"zoe": "", "eve": key, "bob": "guessed", "ada": "0" * 128}.items():
        there = course.folder / "feedback" / other / NAME
        shutil.copytree(course.folder / "feedback" / first.name / NAME, there)
        (there / SECRET).unlink()
        if said:
            (there / SECRET).write_text(said)
    said = course.nbgrader("release_feedback", NAME)
    assert len(re.findall("did not come through the exchange", said)) == 2
    assert len(re.findall("another submission has the same secret", said)) == 2, "eve, and whose"
    assert "Releasing feedback for student 'ada'" in said
    for other in ("zoe", "eve", "bob", "ada"):
        shutil.rmtree(course.folder / "feedback" / other)


def tiny(course) -> None:
    """A notebook that is run in no time."""
    make, marks = nbformat.v4.new_code_cell, {"schema_version": 3, "task": False, "locked": False}
    answer = make("### BEGIN SOLUTION\nx = 1\n### END SOLUTION", metadata={
        "nbgrader": marks | {"grade_id": "x", "solution": True, "grade": False}})
    test = make("assert x == 1", metadata={"nbgrader": marks | {
        "grade_id": "test_x", "solution": False, "grade": True, "locked": True, "points": 1}})
    folder = course.folder / "solutions/tiny"
    folder.mkdir()
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=[answer, test], metadata={"kernelspec": kernel}),
                   folder / "tiny.ipynb")


ELSEWHERE = {"generate_assignment", "autograde", "generate_feedback", "submit", "fetch_assignment",
             "release_assignment", "fetch_feedback", "release_feedback",        # above
             "quickstart",                      # makes another course
             "formgrade"}                       # says that JupyterLab has it
COMMANDS = ["assign tiny --create", "release tiny", "list tiny", "list --inbound", "fetch tiny",
            f"feedback {NAME}", "extension", "generate_solution tiny",
            "update exercises", "validate solutions/tiny/tiny.ipynb",
            "db student add zoe --first-name=Zoë", "db student list", "db assignment list",
            "db student remove zoe", "db assignment add tiny", "db upgrade", "export",
            f"zip_collect {NAME}", f"collect {NAME}", "generate_config"]


def test_every_command_of_nbgrader_runs_in_this_course(course):
    tiny(course)
    for command in COMMANDS:
        if command == "generate_config":        # which overwrites none
            (course.folder / "nbgrader_config.py").rename(course.folder / "ours.py")
        said = course.nbgrader(*command.split())
        assert "Traceback" not in said, said
    assert "c = get_config()" in (course.folder / "nbgrader_config.py").read_text()
    (course.folder / "ours.py").replace(course.folder / "nbgrader_config.py")
    assert {*NbGraderApp.subcommands} == {command.split()[0] for command in COMMANDS} | ELSEWHERE
