"""Written answers, which persons mark: a student may put one anywhere, and then somebody looks.

nbgrader gives 0 for an answer cell that is as it was released. Where the answer may stand elsewhere
the cell says so, is not as it was released then, and so waits for a person.
"""
import ast
import io
import re
import tokenize

from course_lib.grading.cells import marks, python, role
from course_lib.grading.names import composed

WORDS = 13                              # of comments and strings: they may be an answer then
WORD = r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|\w{2,}"     # Thai, Japanese, Chinese: no spaces
SENTENCE = 5                            # words of what a cell shows


def is_written(cell) -> bool:
    """Whether a cell of the release is an answer that a person marks."""
    return role(cell) == "answer" and bool(marks(cell).get("grade"))


def _lines(text: str) -> list[str]:
    return [" ".join(composed(line).split()) for line in text.split("\n")]


def same(theirs: str, given: str) -> bool:
    """Whether two texts differ in nothing but space and the spelling of accents."""
    return " ".join(_lines(theirs)).split() == " ".join(_lines(given)).split()


def change(theirs: str, given: str) -> str:
    """The lines of a text that stand between those with which both begin and end."""
    (a, b), lines, start, end = map(_lines, (theirs, given)), theirs.split("\n"), 0, 0
    most = min(len(a), len(b))
    while start < most and a[start] == b[start]:
        start += 1
    while end < most - start and a[-1 - end] == b[-1 - end]:
        end += 1
    return "\n".join(lines[start:len(lines) - end]).strip()


def new_lines(theirs: str, given: str) -> str:
    """The lines of a text that are nowhere in another."""
    there = {*_lines(given), ""}
    return "\n".join(line for line, plain in zip(theirs.split("\n"), _lines(theirs))
                     if plain not in there)


def is_sentence(said: str) -> bool:
    return len(re.findall(r"[^\W\d_]{2,}", said)) >= SENTENCE


def is_prose(theirs: str, given: str) -> bool:
    """Whether code is no Python, or says more than the release does by many words."""
    try:
        return len(_words(theirs) - _words(given)) >= WORDS
    except Exception:
        return True


def _words(source: str) -> set[str]:
    """In comments, strings and lines that are IPython's."""
    code = python(source)
    texts = [str(node.value) for node in ast.walk(ast.parse(code))
             if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)]
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    texts += [token.string for token in tokens if token.type == tokenize.COMMENT]
    if code != source:
        texts += re.findall(r"^[ \t]*[%!].*$", source, re.MULTILINE)
    return set(re.findall(WORD, " ".join(texts)))


def leave_to_a_person(cells: list, deleted: bool, places: list[str]) -> list[str]:
    """Rebuilt answer cells, all as released, get a sentence that their answers may stand in one of
    the places. Returns notes for the table."""
    if not cells or not (deleted or places):
        return []
    where = ", ".join(places[:4]) + " and others" * (len(places) > 4)
    where = f"may stand in {where}" if places else "is not there"
    for cell in cells:
        said = "The cell of this answer was deleted" if deleted else "Nothing was written here"
        said = f"{said}; the answer {where}. A person looks."
        cell.source += f"\n\n*({said})*" if cell.cell_type == "markdown" else f"\n# {said}"
    names = ", ".join(marks(cell)["grade_id"] for cell in cells)
    return [f"the answer to {names} {where}"]
