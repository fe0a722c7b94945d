"""What a marker gets: a page with the answers, and a table for the points."""
import csv
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.grading import spreadsheet
from course_lib.grading.cells import marks, role
from course_lib.grading.hooks import Feedback
from course_lib.grading.intake import Refused, shown
from course_lib.grading.marking import Answer, code
from course_lib.grading.rubrics import RUBRIC

COLUMNS = ("marker", "submission", "question", "answer", "points", "max", "comment")
TEXT = nbformat.v4.new_markdown_cell
GUIDE = """# {assignment}: written answers for {marker}

Put your points into the table *{table}*, with a comment if you like, and send it back. A submission
is named by letters, and *answer* is for the machine: leave these columns as they are."""


def is_rubric(cell) -> bool:
    return cell.get("id", "").startswith(RUBRIC)


def of_answer(notebook: NotebookNode, grade_id: str) -> tuple[list, list]:
    """The cell of an answer among the student's own next to it, and its rubric."""
    cells = [cell for cell in notebook.cells if not is_rubric(cell)]
    at = next(i for i, cell in enumerate(cells) if marks(cell).get("grade_id") == grade_id)
    first = last = at
    while first and role(cells[first - 1]) == "extra":
        first -= 1
    while last + 1 < len(cells) and role(cells[last + 1]) == "extra":
        last += 1
    i = notebook.cells.index(cells[at]) + 1
    rubric = notebook.cells[i:i + 1]
    return cells[first:last + 1], [cell for cell in rubric if is_rubric(cell)]


def version(cells: list) -> str:
    return code(*(f"{cell.cell_type} {cell.source}" for cell in cells))


def asked(release: NotebookNode, grade_id: str) -> str:
    """The text above a question's cell, without its heading's stars."""
    found = ""
    for cell in release.cells:
        if marks(cell).get("grade_id") == grade_id:
            return re.sub(r"(?m)^#+ ", "## ", found)
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            found = cell.source
    return found


def page(assignment: str, marker: str, table: str, releases: dict[str, NotebookNode],
         answers: dict[str, tuple[Answer, list, list]]) -> str:
    """The page of a marker's answers: key -> the answer, its cells and its rubric, as grading made
    them harmless."""
    cells, before = [TEXT(GUIDE.format(assignment=assignment, marker=marker, table=table))], None
    for k, (answer, theirs, rubric) in answers.items():
        if answer.question != before:
            cells += [TEXT(asked(releases[answer.notebook], answer.grade_id)), *rubric]
            before = answer.question
        submission = k.split("/")[0]
        cells += [TEXT(f"---\n### {submission}\n*{answer.question}, of {answer.most:g} points*"),
                  *theirs]
    cells = [nbformat.from_dict({**cell, "id": f"cell-{i}"}) for i, cell in enumerate(cells)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["title"] = f"{assignment}, {marker}"
    return Feedback(template_name="classic").from_notebook_node(notebook)[0]


def write_table(path: Path, marker: str, answers: dict[str, Answer], between: str) -> None:
    """The table, with the points that stand in an older one at this place. Errors: Refused."""
    there = {}
    if path.exists():
        there = {(row["submission"], row["question"], row["answer"]): row
                 for row in spreadsheet.rows(path, COLUMNS)}
    with open(path, "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=between)
        writer.writerow(COLUMNS)
        for k, answer in answers.items():
            submission = k.split("/")[0]
            old = there.get((submission, answer.question, answer.version), {})
            writer.writerow([marker, submission, answer.question, answer.version,
                             old.get("points", ""), f"{answer.most:g}", old.get("comment", "")])


def read_table(path: Path, known: dict[str, Answer], assigned: dict) -> tuple[str, list[tuple]]:
    """The marker of a table, and (key, points, comment, version) of each row that has points.
    Errors: Refused, with every line that cannot be taken."""
    wrong, found, seen, names = [], [], set(), set()
    for row in spreadsheet.rows(path, COLUMNS):
        k, at = f"{row['submission']}/{row['question']}", f"{path.name}, line {row['line']}"
        names.add(row["marker"])
        if k not in assigned:
            said = f"{shown(row['submission'])}, {shown(row['question'])}"
            wrong.append(f"{at}: {said} is no answer of this assignment.")
        elif row["marker"] not in assigned[k]["markers"]:
            wrong.append(f"{at}: {k} is not for {shown(row['marker'])} to mark.")
        elif k in seen:
            wrong.append(f"{at}: {k} stands there twice.")
        elif row["points"]:
            try:
                points = spreadsheet.number(row["points"])
            except ValueError as error:
                wrong.append(f"{at}: {error}.")
                continue
            if k in known and not 0 <= points <= known[k].most:
                wrong.append(f"{at}: {points:g} points, where 0 to {known[k].most:g} are possible.")
            found.append((k, points, row["comment"], row["answer"]))
        seen.add(k)
    if len(names) > 1:
        wrong.append(f"{path.name} has rows of more than one marker.")
    if wrong:
        raise Refused("\n".join(wrong))
    return next(iter(names), ""), found
