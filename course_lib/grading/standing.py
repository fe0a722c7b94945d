"""Where a student stands, question by question, at the head of the feedback."""
from html import escape

import nbformat
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from course_lib.grading import insight
from course_lib.grading.cells import marks
from course_lib.grading.page import number

CELL, CLASS = "standing", 12        # the least of others' marks that are told together


class Standing(NbGraderPreprocessor):
    """Puts a table in front of a graded notebook (in c.GenerateFeedback.preprocessors): points of
    each question, what a person still marks, and of a class of twelve and more how many of ten
    solved it."""

    enabled = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._known: dict[tuple[str, str], list[insight.Mark]] = {}

    def preprocess(self, nb, resources):
        about = resources["nbgrader"]
        names, student = [about["assignment"], about["notebook"]], about["student"]
        found = self._marks(about["db_url"], names[0])
        cells = [marks(cell)["grade_id"] for cell in nb.cells
                 if marks(cell).get("grade") or marks(cell).get("task")]
        several = {mark.question.rpartition("/")[0] for mark in found}
        called = {cell: insight.question(cell, names[1], several) for cell in cells}
        lines = {cell: line for cell, name in called.items()
                 if (line := _line(name, student, found))}
        if lines:
            nb.cells.insert(0, nbformat.v4.new_markdown_cell(_table(lines), id=CELL))
        return nb, resources

    def _marks(self, db_url: str, assignment: str) -> list[insight.Mark]:
        """Of the whole class, read once in a run."""
        if (db_url, assignment) not in self._known:
            with Gradebook(db_url) as book:
                self._known[db_url, assignment] = insight.in_gradebook(book, assignment)
        return self._known[db_url, assignment]


def _line(question: str, student: str, found: list[insight.Mark]) -> list[str]:
    """The cells of a row, or none where the question has no points."""
    its = [mark for mark in found if mark.question == question]
    mine = next((mark for mark in its if mark.student == student), None)
    if mine is None or mine.most <= 0:
        return []
    marked = [mark for mark in its if not mark.waits]
    solved = sum(mark.score >= mark.most for mark in marked)
    of_class = in_ten(solved, len(marked)) if len(marked) >= CLASS else ""
    points = "a person still marks this" if mine.waits else number(mine.score)
    return [question.rpartition("/")[2], points, number(mine.most), of_class]


def in_ten(part: int, n: int) -> str:
    """How many of ten, halves up: in a small class this may still tell how many exactly."""
    if 10 * part < n:
        return "few"
    return "nearly all" if 10 * part > 9 * n else f"about {(20 * part + n) // (2 * n)} of 10"


def _table(lines: dict[str, list[str]]) -> str:
    """HTML on one line, which Markdown leaves as it is. lines: by the cell that has the mark, where
    nbgrader's page has an anchor."""
    heads = ["question", "points", "of", "all points in the class"]
    columns = range(4 if any(line[3] for line in lines.values()) else 3)
    style = 'style="text-align: left; padding: 2px 1.2em 2px 0"'
    row = lambda cells, tag: "<tr>" + "".join(
        f"<{tag} {style}>{cells[i]}</{tag}>" for i in columns) + "</tr>"
    body = "".join(row([f'<a href="#{escape(cell)}">{escape(name)}</a>', *rest], "td")
                   for cell, (name, *rest) in lines.items())
    return (f'<table id="{CELL}"><caption>Where you stand</caption><thead>{row(heads, "th")}'
            f"</thead><tbody>{body}</tbody></table>")
