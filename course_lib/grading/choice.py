"""Which of the files that a student handed in are the notebooks to grade, and which lie beside."""
import functools
import os
from pathlib import Path

from nbformat import NotebookNode

from course_lib.grading.beside import Beside, sort
from course_lib.grading.cells import role
from course_lib.grading.files import (
    MAX_FILE,
    SECRET,
    TIME,
    Refused,
    is_litter,
    open_folder,
    read_file,
    unzip,
)
from course_lib.grading.names import shown
from course_lib.grading.parse import parse
from course_lib.grading.rebuild import holds_text, is_blank, placed

MOST = 10                               # other notebooks that are looked at


def find(folder: Path, releases: dict[str, NotebookNode],
         released: Path | None = None) -> tuple[dict[str, bytes], list[str], Beside]:
    """The notebooks that are handed in, by the names of the release's (without .ipynb), notes, and
    what lies beside them. released: the folder of the course's own files. Errors: Refused."""
    fd = open_folder(folder)
    try:
        listed = sorted(n for n in os.listdir(fd) if n not in (TIME, SECRET) and not is_litter(n))
        expected = [f"{name}.ipynb" for name in releases]
        given = {n: functools.partial(_loose, fd, n) for n in listed}
        notes, books = [], [n for n in listed if _is_book(n)]
        packed = [n for n in listed if n.lower().endswith(".zip")]
        if not books and packed:
            if len(packed) > 1:
                raise Refused(f"{len(packed)} zip files were handed in, "
                              "and it is not clear which one counts.")
            inside = unzip(read_file(fd, packed[0]), packed[0], notes)
            given = {n: functools.partial(_packed, data) for n, data in inside.items()} | {
                n: read for n, read in given.items() if n != packed[0]}
            notes = [f"{shown(packed[0])} was unpacked",
                     *(f"graded without it: {why.rstrip('.')}" for why in notes)]
        found, more, others = _choose({n: read for n, read in given.items() if _is_book(n)},
                                      expected, releases, next(iter(listed), ""))
        lies = sort([it for it in given.items() if not _is_book(it[0])], released)
        return found, notes + more, lies._replace(papers=others + lies.papers)
    finally:
        os.close(fd)


def _is_book(name: str) -> bool:
    return name.lower().endswith(".ipynb")


def _loose(fd: int, name: str, look=lambda _: None, limit: int = MAX_FILE) -> bytes:
    return read_file(fd, name, limit, look)


def _packed(data: bytes, look=lambda _: None, limit: int = MAX_FILE) -> bytes:
    look(None)
    return data


def _choose(books: dict, expected: list[str], releases: dict[str, NotebookNode],
            first: str) -> tuple[dict[str, bytes], list[str], list[str]]:
    """Of the notebooks, those that count, notes about the others, and which of these may hold a
    written answer."""
    found = {n.removesuffix(".ipynb"): books[n]() for n in expected if n in books}
    others, notes = [n for n in books if n not in expected], []
    if not found and len(expected) > 1:
        raise Refused(f"None of {', '.join(expected)} is there.")
    if not found:
        if len(others) != 1:
            instead = f", but {shown(first)} is." if first else ": the folder is empty."
            if others:
                more = ", …" * (len(others) > 3)
                instead = (f", and {len(others)} other notebooks are: "
                           f"{', '.join(map(shown, others[:3]))}{more}.")
            raise Refused(f"{expected[0]} is not there{instead}")
        (name,), (given,) = releases, others
        return {name: books[given]()}, [f"{shown(given)} was taken for {expected[0]}"], []
    for name, raw in list(found.items()):
        if not others or _has_work(raw, releases[name], broken=True):
            continue
        solved = [n for n in others[:MOST] if _has_work(_try(books[n]), releases[name])]
        if len(solved) > 1 or len(others) > MOST:
            raise Refused(f"{name}.ipynb is as it was released, and {len(solved)} other notebooks "
                          f"are not: {', '.join(map(shown, solved[:3]))}; it is not clear which "
                          "one counts.")
        for given in solved:
            found[name] = books[given]()
            others.remove(given)
            notes.append(f"{shown(given)} was taken for {name}.ipynb, which is as it was released")
    if others:
        more = f" and {len(others) - 3} more" * (len(others) > 3)
        notes.append(f"{', '.join(map(shown, others[:3]))}{more} beside it "
                     f"{'was' if len(others) == 1 else 'were'} not graded")
    papers = [shown(n) for i, n in enumerate(others)
              if i >= MOST or _holds_text(_try(books[n]), [releases[name] for name in found])]
    return found, notes, papers


def _try(read) -> bytes:
    try:
        return read()
    except Refused:
        return b""


def _holds_text(raw: bytes, releases: list[NotebookNode]) -> bool:
    """Whether there may be a text of the student's own: also in what cannot be read."""
    try:
        cells = parse(raw, "It")
    except Refused:
        return True
    return all(holds_text(release, cells) for release in releases)


def _has_work(raw: bytes, release: NotebookNode, broken: bool = False) -> bool:
    """Whether there is an answer, or a cell of a student's own, in what is this release's; or
    `broken` where it cannot be read."""
    try:
        cells = parse(raw, "It")
    except Refused:
        return broken
    places = placed(release, cells)
    theirs = [cell for cell, i in zip(cells, places) if i is None and cell.source.strip()]
    pairs = [(release.cells[i], cell) for cell, i in zip(cells, places) if i is not None]
    return bool(pairs) and bool(theirs or any(
        role(given) == "answer" and not is_blank(given, cell) for given, cell in pairs))
