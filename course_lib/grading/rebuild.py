"""Each notebook anew, from the release: in it the student's answers, and cells of their own."""
import copy
from collections.abc import Sequence

import nbformat
from nbformat import NotebookNode

from course_lib.grading import written
from course_lib.grading.cells import EXTRA, marks, role
from course_lib.grading.parse import TheirCell


def rebuild(release: NotebookNode, tests: dict[str, str], cells: list[TheirCell],
            papers: Sequence[str] = ()) -> tuple[NotebookNode, list[str]]:
    """The release with the student's answers, the student's own cells in place, and `tests`
    (grade_id -> source) put in. papers: what lies beside it and may hold a written answer."""
    notebook, notes = copy.deepcopy(release), []
    for cell in notebook.cells:
        if role(cell) in ("test", "locked") and marks(cell)["grade_id"] in tests:
            cell.source = tests[marks(cell)["grade_id"]]
    places = placed(release, cells)
    taken = {i: cell for i, cell in zip(places, cells) if i is not None}
    own = _own(release, tests, cells, places)
    blank, deleted, elsewhere = [], [], list(papers)
    if own or any(_may_hold_it(release.cells[i], cell) for i, cell in taken.items()):
        elsewhere.insert(0, "another cell")
    for i, cell in enumerate(notebook.cells):
        if role(cell) != "answer":
            continue
        if i not in taken:
            notes.append(f"no cell for {marks(cell)['grade_id']}")
            if cell.cell_type == "code":
                cell.source = ""        # the stub would undo an answer in another cell
            if written.is_written(cell):
                deleted.append(cell)
            continue
        if written.is_written(cell) and _is_same(cell, taken[i]):
            blank.append(cell)
            continue
        cell.source = taken[i].source
        if cell.cell_type == "markdown" and taken[i].attachments:
            cell.attachments = taken[i].attachments
    asks = [*written.leave_to_a_person(blank, False, elsewhere),
            *written.leave_to_a_person(deleted, True, elsewhere)]
    extras: dict[int, list[NotebookNode]] = {}
    for after, cell in own + (_shown(release, own, taken) if asks else []):
        at = sum(map(len, extras.values()))
        extras.setdefault(after, []).append(_extra(cell, at))
    order = extras.get(-1, [])
    for i, cell in enumerate(notebook.cells):
        order = [*order, cell, *extras.get(i, [])]
    notebook.cells = order
    if own:
        notes.append(f"{len(own)} cell{'s' * (len(own) > 1)} of their own")
    return notebook, notes + asks


def _own(release: NotebookNode, tests: dict[str, str], cells: list[TheirCell],
         places: list[int | None]) -> list[tuple[int, TheirCell]]:
    """The student's own cells, and what was changed in the course's, each with the place in the
    release that it comes after."""
    by_source, own, at = _by_source(release), [], -1
    for k, cell in enumerate(cells):
        if places[k] is not None:
            at = places[k]
            cell = _changed(cell, release.cells[at], tests)
        if cell is None or not (cell.source.strip() or cell.attachments or cell.said
                                or cell.pictures):
            continue
        twin = by_source.get(_content(cell))
        if twin is not None and (cell.cell_type != "code"
                                 or role(release.cells[twin]) in ("test", "answer")):
            continue            # a copy of an instructor's text, test or stub
        following = next((i for i in places[k + 1:] if i is not None), len(release.cells))
        own.append((min(at, following - 1) if places[k] is None else at, cell))
    return own


def _changed(cell: TheirCell, given: NotebookNode, tests: dict[str, str]) -> TheirCell | None:
    """What was changed in an instructor's cell, as a cell of the student's."""
    if role(given) == "answer":
        return None
    if role(given) == "test":
        ours = f"{given.source}\n{tests.get(marks(given)['grade_id'], '')}"
        said = written.new_lines(cell.source, ours)
        return TheirCell("raw", f"Changed in the test above:\n\n{said}", {}, None, None) if said \
            else None
    if given.cell_type == "code":
        return None if cell.source.strip() == given.source.strip() else cell
    new = {name: kinds for name, kinds in cell.attachments.items()
           if name not in given.get("attachments", {})}
    same = written.same(cell.source, given.source)
    said = "" if same else written.change(cell.source, given.source)
    text = f"*Changed in the text above:*\n\n{said}"
    return TheirCell("markdown", text, new, None, None) if said or new else None


def _may_hold_it(given: NotebookNode, cell: TheirCell) -> bool:
    """Whether an answer may hold a written one where no text does: as code, or in what it shows."""
    if role(given) != "answer":
        return False
    if given.cell_type != "code":
        return _is_same(given, cell) and not is_blank(given, cell)
    if cell.pictures or written.is_sentence(cell.said):
        return True
    same = written.same(cell.source, given.source)
    return not same and written.is_prose(cell.source, given.source)


def holds_text(release: NotebookNode, cells: list[TheirCell]) -> bool:
    """Whether anything in a notebook is no copy of the release's."""
    places = placed(release, cells)
    pairs = [(release.cells[i], cell) for cell, i in zip(cells, places) if i is not None]
    return bool(_own(release, {}, cells, places)) or any(
        role(given) == "answer" and not is_blank(given, cell) or _may_hold_it(given, cell)
        for given, cell in pairs)


def is_blank(given: NotebookNode, cell: TheirCell) -> bool:
    """Whether a cell is as it was released, and a text shows nothing, as only code does."""
    shows = given.cell_type != "code" and (cell.said or cell.pictures)
    return _is_same(given, cell) and not shows


def _is_same(given: NotebookNode, cell: TheirCell) -> bool:
    kept = given.get("attachments", {})
    return written.same(cell.source, given.source) and not cell.attachments.keys() - kept.keys()


def _shown(release: NotebookNode, own: list[tuple[int, TheirCell]],
           taken: dict[int, TheirCell]) -> list[tuple[int, TheirCell]]:
    """What the student's own cells and answers in code had shown when they were handed in."""
    answers = [(i, cell) for i, cell in taken.items() if role(release.cells[i]) == "answer"]
    shown = []
    for after, cell in [*answers, *own]:
        if cell.said:
            text = f"Shown when it was handed in:\n\n{cell.said}"
            shown.append((after, TheirCell("raw", text, {}, None, None)))
        if cell.pictures:
            images = {f"output-{i}": image for i, image in enumerate(cell.pictures)}
            text = "\n\n".join(f"![{name}](attachment:{name})" for name in images)
            text = f"*Shown when it was handed in:*\n\n{text}"
            shown.append((after, TheirCell("markdown", text, images, None, None)))
    return shown


def _content(cell) -> tuple[str, str]:
    return cell.cell_type, cell.source.strip()


def _by_source(release: NotebookNode) -> dict[tuple[str, str], int]:
    return {_content(cell): i for i, cell in enumerate(release.cells)}


def placed(release: NotebookNode, cells: list[TheirCell]) -> list[int | None]:
    """Of each of the student's cells, its place in the release, or None; each is taken once."""
    by_source = _by_source(release)
    by_name = {marks(cell)["grade_id"]: i for i, cell in enumerate(release.cells)
               if "grade_id" in marks(cell)}
    by_id = {cell.id: i for i, cell in enumerate(release.cells) if "id" in cell}
    places: list[int | None] = []
    for cell in cells:
        i = by_name.get(cell.grade_id, by_id.get(cell.id, by_source.get(_content(cell))))
        places.append(None if i in places else i)
    return places


def _extra(cell: TheirCell, n: int) -> NotebookNode:
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell,
            "raw": nbformat.v4.new_raw_cell}
    extra = make[cell.cell_type](cell.source, id=f"{EXTRA}{n + 1}")
    if cell.cell_type == "markdown" and cell.attachments:
        extra.attachments = cell.attachments
    return extra
