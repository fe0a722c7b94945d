"""An update reaches a student who works in the course's own files, by real merges: no cell of
theirs is lost, none of the course's is hidden, and each notebook can be read."""
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "bundle.py"
spec = importlib.util.spec_from_file_location("bundle", SCRIPT)
ROOT = SCRIPT.parents[1]
EX, TASK, GONE, NEW = (f"exercises/{name}/{name}.ipynb" for name in ("ex1", "ex2", "ex3", "ex4"))
RUN, READ, LOST = (f"lectures/{name}.ipynb" for name in ("run", "read", "lost"))
WHO = ["-c", "user.name=student", "-c", "user.email=student@localhost"]


def write(path: Path, *sources: str, output: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = [new_output("stream", text=output)] if output else []
    cells = [new_code_cell(source, id=f"cell-{number}", outputs=shown)
             for number, source in enumerate(sources)]
    nbformat.write(new_notebook(cells=cells), path)


def sources(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def git(folder: Path, *command: str, check: bool = True) -> str:
    done = subprocess.run(["git", "-C", folder, *WHO, *command], capture_output=True, text=True)
    assert done.returncode == 0 or not check, done.stderr + done.stdout
    return done.stdout


class Course:
    """A made-up course, the repository that its bundle is pushed to, and a student's clone."""

    def __init__(self, folder: Path):
        self.room, self.published, self.student = (folder / n for n in ("course", "out", "student"))
        for name in (EX, TASK, GONE, RUN, READ, LOST):
            write(self.room / name, f"{name} says", "answer = ...", "check(answer)")
        (self.room / "README.md").write_text("# A course\n")
        self.bundle = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.bundle)
        self.bundle.ROOT, self.bundle.FILES = self.room, []
        self.publish()
        git(folder, "clone", "-q", "--depth", "1", self.published.as_uri(), "student")

    def publish(self) -> None:
        self.bundle.main(self.published)

    def work(self) -> None:
        """What students do in the course's own files."""
        student = self.student
        write(student / EX, f"{EX} says", "answer = ...", "check(answer)", "mine, at the end")
        write(student / TASK, f"{TASK} says", "answer = 'mine'", "check(answer)")
        write(student / GONE, f"{GONE} says", "answer = 'mine, of what goes'", "check(answer)")
        write(student / RUN, *sources(student / RUN), output="42")
        write(student / NEW, "mine, under a name that comes")
        write(student / "my" / EX, "mine, in a copy")
        (student / LOST).unlink()

    def change(self) -> None:
        """What the course changes in the same files."""
        write(self.room / EX, f"{EX} says", "answer = ...", "check(answer)", "ours, at the end")
        write(self.room / TASK, f"{TASK} says", "answer = ...  # ours", "check(answer)", "ours 2")
        for name in (RUN, READ, LOST, NEW):
            write(self.room / name, f"{name} says more", "answer = ...", "ours", "check(answer)")
        (self.room / GONE).unlink()
        self.publish()

    def notebooks(self) -> dict[str, list[str]]:
        found = self.student.rglob("*.ipynb")
        return {p.relative_to(self.student).as_posix(): sources(p) for p in found}


def by_nbgitpuller(student: Path) -> None:
    """make update; the name `main` stands where a hub's link has it."""
    subprocess.run(["make", "-o", "setup", "update", f"BIN={Path(sys.executable).parent}"],
                   cwd=student, check=True, capture_output=True, env={**os.environ, "PYTHON": ""})


def by_git(student: Path) -> None:
    """Commits, pulls, and takes the merge as git leaves it."""
    git(student, "add", "-A")
    git(student, "commit", "-qm", "what I did")
    git(student, "pull", "-q", "--no-rebase", "--no-edit", check=False)
    git(student, "add", "-A")
    git(student, "commit", "-qm", "merged")


@pytest.fixture(scope="module", params=[by_nbgitpuller, by_git])
def updated(request, tmp_path_factory):
    course = Course(tmp_path_factory.mktemp("update"))
    course.work()
    before = [cell for cells in course.notebooks().values() for cell in cells if "mine" in cell]
    course.change()
    request.param(course.student)
    return course, before


def test_no_cell_of_a_student_is_lost_and_none_of_the_course_hidden(updated):
    course, before = updated
    there = {cell for cells in course.notebooks().values() for cell in cells}
    assert len(before) == 5 and not {*before} - there
    ours = [source for path in course.room.rglob("*.ipynb") for source in sources(path)]
    assert not {*ours} - there


def test_a_notebook_is_the_students_or_the_courses_never_a_mix_of_both(updated):
    course, _ = updated
    found = course.notebooks()
    assert found[EX][2:] == ["check(answer)", "mine, at the end"]
    assert found[TASK] == [f"{TASK} says", "answer = 'mine'", "check(answer)"]
    assert found[GONE] == [f"{GONE} says", "answer = 'mine, of what goes'", "check(answer)"]
    for name in (EX, TASK, RUN, READ, LOST, NEW):
        assert found[f"updates/1/{name}"] == sources(course.room / name)
    assert found[READ] == sources(course.room / READ) and found[LOST] == found[f"updates/1/{LOST}"]
    assert found["my/" + EX] == ["mine, in a copy"]


def test_the_next_update_comes_beside_the_last(tmp_path):
    course = Course(tmp_path)
    assert not list(course.published.glob("updates/*/"))
    course.work()
    course.change()
    by_nbgitpuller(course.student)
    write(course.student / "updates" / "1" / EX, "mine, in what came")
    write(course.room / EX, "ours, again")
    course.publish()
    by_nbgitpuller(course.student)
    found = course.notebooks()
    assert found["updates/2/" + EX] == ["ours, again"]
    assert found["updates/1/" + EX] == ["mine, in what came"] and "mine, at the end" in found[EX]
    assert [name for name in found if name.startswith("updates/2/")] == ["updates/2/" + EX]


def test_a_repository_that_is_no_bundle_is_left_alone(tmp_path):
    course, other = Course(tmp_path), tmp_path / "other"
    (other / ".git").mkdir(parents=True)
    git(other, "init", "-q")
    (other / "mine.txt").write_text("precious")
    with pytest.raises(SystemExit, match="another repository"):
        course.bundle.main(other)
    git(other, "add", "-A")
    git(other, "commit", "-qm", "mine")
    with pytest.raises(SystemExit, match="another repository"):
        course.bundle.main(other)
    assert (other / "mine.txt").read_text() == "precious"
    git(course.room, "init", "-q")
    git(tmp_path, "init", "-q")
    for folder in (course.room, tmp_path):
        with pytest.raises(SystemExit, match="holds the course itself"):
            course.bundle.main(folder)
    assert (course.room / EX).is_file()


def test_an_empty_repository_and_a_clone_that_others_committed_to_are_taken(tmp_path):
    course, clone = Course(tmp_path), tmp_path / "clone"
    git(tmp_path, "init", "-q", "empty")
    course.bundle.main(tmp_path / "empty")
    git(tmp_path, "clone", "-q", course.published.as_uri(), "clone")
    git(clone, "commit", "-q", "--allow-empty", "-m", "mine")
    write(course.room / EX, "ours, again")
    course.bundle.main(clone)
    assert sources(clone / EX) == ["ours, again"]


def test_other_outputs_alone_are_no_update_to_put_aside(tmp_path):
    course = Course(tmp_path)
    write(course.room / RUN, *sources(course.room / RUN), output="43")
    course.publish()
    assert not list(course.published.glob("updates/*/"))
    assert "43" in (course.published / RUN).read_text()


def test_students_start_with_copies_that_are_theirs(tmp_path):
    course = Course(tmp_path)
    stand_in, student = tmp_path / "bin" / "python", course.student
    stand_in.parent.mkdir()
    stand_in.write_text(f"#!/bin/sh\necho $* >> {tmp_path}/called\n")
    stand_in.chmod(0o755)
    lab = ["make", "-o", "setup", "lab", f"BIN={stand_in.parent}"]
    subprocess.run(lab, cwd=student, check=True, capture_output=True)
    copy = student / "my" / "ex1" / "ex1.ipynb"
    assert sources(copy) == sources(student / EX)
    write(copy, "mine")
    subprocess.run(lab, cwd=student, check=True, capture_output=True)
    assert sources(copy) == ["mine"]
    opened = (tmp_path / "called").read_text().split()      # a folder would hide its neighbours
    assert opened[-1] == "lectures/00_start_here.ipynb"
