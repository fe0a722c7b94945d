"""The course from release to marks, by nbgrader's own commands, on a copy of the course in a temporary folder."""
import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from exercise import ROOT, questions

EXERCISES = sorted(path.name for path in (ROOT / "solutions").glob("ex*"))
WRONG, RIGHT = 8, 2                                # notebooks of wrong and of right answers an exercise


def nbgrader(course: Path, *command: str) -> str:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-m", "nbgrader", *command], cwd=course, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"nbgrader {' '.join(command)} failed:\n{done.stdout[-3000:]}"
    return done.stdout


def with_answers(notebook, kind: str, k: int, answers: Path):
    """The notebook with the k-th wrong or right answer to every question that has some."""
    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        files = sorted((answers / cell.metadata.get("nbgrader", {}).get("grade_id", "-")).glob(f"{kind}_*.py"))
        if files:
            cell.source = files[k % len(files)].read_text().split("\n", 1)[1].strip()
        elif cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = "A written answer, which a person marks."
    return notebook


@pytest.fixture(scope="module", params=EXERCISES)
def course(request, tmp_path_factory):
    """One run of the whole loop: eleven or more submissions, graded in one call, with feedback and marks."""
    name = request.param
    course = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    shutil.copytree(ROOT / "solutions" / name, course / "solutions" / name)
    nbgrader(course, "generate_assignment", name)

    master = nbformat.read(course / "solutions" / name / f"{name}.ipynb", as_version=4)
    blank = nbformat.read(course / "exercises" / name / f"{name}.ipynb", as_version=4)
    answers = ROOT / "tests" / "answers" / name.split("_")[0]
    submissions = {"blank": blank, "solution": master}
    submissions |= {f"wrong{k}": with_answers(blank, "wrong", k, answers) for k in range(WRONG)}
    submissions |= {f"right{k}": with_answers(blank, "right", k, answers) for k in range(RIGHT)}
    for student, notebook in submissions.items():
        folder = course / "submitted" / student / name
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    nbgrader(course, "autograde", name)
    nbgrader(course, "generate_feedback", name)
    nbgrader(course, "export", "--to", "marks.csv")
    return name, course, master


def scores(course, name) -> dict[str, dict[str, float]]:
    """student -> question -> points, as the gradebook has them."""
    from nbgrader.api import Gradebook
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        return {submission.student.id: {grade.name.removeprefix("test_"): grade.score
                                        for notebook in submission.notebooks for grade in notebook.grades}
                for submission in book.assignment_submissions(name)}


@pytest.mark.loop
def test_the_release_is_what_is_committed(course):
    name, folder, _ = course
    for path in (folder / "exercises" / name).rglob("*"):
        committed = ROOT / "exercises" / path.relative_to(folder / "exercises")
        assert committed.read_bytes() == path.read_bytes(), f"{committed} is not what nbgrader builds: run `make release`"
    assert "SOLUTION" not in (text := (folder / "exercises" / name / f"{name}.ipynb").read_text()) and "HIDDEN TESTS" not in text


@pytest.mark.loop
def test_the_blank_release_scores_nothing_and_the_solution_everything(course):
    name, folder, _ = course
    book, points = scores(folder, name), questions(name)
    for question, most in points.items():
        assert book["blank"][question] == 0, f"the blank release earns {book['blank'][question]} in {question}"
        assert book["solution"][question] == most, f"the solution earns {book['solution'][question]} of {most} in {question}"


@pytest.mark.loop
def test_each_wrong_answer_loses_its_points_and_each_right_one_keeps_them(course):
    name, folder, _ = course
    book, points = scores(folder, name), questions(name)
    for k in range(WRONG):
        for question, most in points.items():
            got = book[f"wrong{k}"][question]
            assert got < most and (got == 0 or question == "proof"), f"wrong answer {k} to {question} earns {got} of {most}"
    for k in range(RIGHT):
        for question, most in points.items():
            got = book[f"right{k}"][question]
            assert got == most, f"right answer {k} to {question} earns {got} of {most}"


@pytest.mark.loop
def test_validate_shows_what_teaches(course):
    name, folder, _ = course
    submission = folder / "submitted" / "wrong0" / name / f"{name}.ipynb"
    said = nbgrader(folder, "validate", str(submission.relative_to(folder)))
    assert "AssertionError" in said and "expected" in said and "HIDDEN" not in said
    assert "NotImplementedError" in nbgrader(folder, "validate", f"exercises/{name}/{name}.ipynb")
    assert "Success" in nbgrader(folder, "validate", f"submitted/right0/{name}/{name}.ipynb")


@pytest.mark.loop
def test_feedback_and_marks_come_out(course):
    name, folder, master = course
    assert len(list((folder / "feedback").glob(f"*/{name}/{name}.html"))) == 2 + WRONG + RIGHT
    with open(folder / "marks.csv") as file:
        marks = {row["student_id"]: row for row in csv.DictReader(file)}
    assert float(marks["blank"]["score"]) == 0
    assert float(marks["solution"]["score"]) == sum(questions(name).values())
    assert float(marks["solution"]["max_score"]) == sum(
        cell.metadata.nbgrader.points for cell in master.cells if cell.metadata.get("nbgrader", {}).get("grade"))
