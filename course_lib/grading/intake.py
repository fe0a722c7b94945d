"""A submission is data: reads what students hand in, and rebuilds each notebook from the release.

The instructor's cells, their order, ids, points and metadata come from the release, the tests from the gradebook; from the
student come the contents of the answer cells, and cells of their own. Whatever cannot be read is refused with a sentence.
"""
import copy
import errno
import functools
import io
import json
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

MAX_FILE, MAX_FILES = 20 << 20, 1000
MAX_CELLS, MAX_SOURCE, MAX_SOURCES = 1000, 50_000, 400_000      # characters of a cell, and of all cells
EXTRA = "extra-"                                          # ids of a student's own cells in a rebuilt notebook
IMAGES = ("image/png", "image/jpeg")


class Refused(ValueError):
    """A submission that cannot be graded; the message is one sentence for instructor and student."""


def open_file(folder: int | str, name: str) -> int:
    """A descriptor of a regular file. Links are not followed, pipes not waited for. `folder` is a path or an open folder."""
    at = {} if isinstance(folder, str) else {"dir_fd": folder}
    path = os.path.join(folder, name) if isinstance(folder, str) else name
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, **at)
    except OSError as error:
        link = error.errno == errno.ELOOP
        raise Refused(f"{shown(name)} is a link, and links are not followed." if link else
                      f"{shown(name)} cannot be read: {error.strerror}.") from None
    if not stat.S_ISREG(mode := os.fstat(fd).st_mode):
        os.close(fd)
        raise Refused(f"{shown(name)} is no file, but a {'folder' if stat.S_ISDIR(mode) else 'pipe, socket or device'}.")
    return fd


def read_file(folder: int | str, name: str, limit: int = MAX_FILE) -> bytes:
    """The bytes of a regular file, as `open_file` opens it. Errors: Refused."""
    with open(open_file(folder, name), "rb") as file:
        if (size := os.fstat(file.fileno()).st_size) > limit:
            raise Refused(f"{shown(name)} has {size / 2**20:.0f} MB; at most {limit >> 20} MB are taken.")
        return file.read(limit)


def open_folder(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        kind = "a link" if path.is_symlink() else "no folder"
        raise Refused(f"{shown(path.name)} is {kind}; a folder with the notebook is expected.") from None


def entries(file, name: str, kinds: tuple[str, ...], most: int = MAX_FILES) -> Iterator[tuple[str, Callable[[int], bytes]]]:
    """The files of these kinds in a zip file: a path that leads nowhere else, and what reads at most so many of its bytes.
    Nothing is written. Errors: Refused."""
    broken = Refused(f"{shown(name)} is a zip file that cannot be unpacked.")
    try:
        archive = zipfile.ZipFile(file)
    except Exception:                                     # zipfile and its decompressors raise what they like
        raise broken from None
    if len(archive.infolist()) > most:
        raise Refused(f"{shown(name)} holds {len(archive.infolist())} files; at most {most} are taken.")

    def read(entry, limit: int) -> bytes:
        try:
            with archive.open(entry) as unpacked:
                return unpacked.read(limit)
        except Exception:
            raise broken from None

    for entry in archive.infolist():
        parts = [shown(part) for part in re.split(r"[/\\]", entry.filename) if part.strip(". ")]
        if not entry.is_dir() and parts and parts[-1].lower().endswith(kinds) and len(parts) <= 10 and not any(map(_litter, parts)):
            yield "/".join(parts), functools.partial(read, entry)


def unzip(raw: bytes, name: str) -> dict[str, bytes]:
    """The notebooks in a student's zip file, by the last part of their paths. Errors: Refused."""
    found, room = {}, MAX_FILE
    for path, read in entries(io.BytesIO(raw), name, (".ipynb",)):
        data, last = read(room + 1), path.rpartition("/")[2]
        if last in found:
            raise Refused(f"{shown(name)} holds more than one {last}, and it is not clear which one counts.")
        room -= len(data)
        if room < 0:
            raise Refused(f"{shown(name)} unpacks to more than {MAX_FILE >> 20} MB.")
        found[last] = data
    return found


def _litter(name: str) -> bool:
    """What editors, Macs and Windows leave beside a notebook."""
    return name.startswith("._") or name in ("__MACOSX", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db", "desktop.ini")


def find(folder: Path, names: list[str]) -> tuple[dict[str, bytes], list[str]]:
    """The notebooks that are handed in, by the names of the release's (without .ipynb), and notes. Errors: Refused."""
    fd = open_folder(folder)
    try:
        listed = sorted(n for n in os.listdir(fd) if n != "timestamp.txt" and not _litter(n))
        expected = [f"{name}.ipynb" for name in names]
        found = {n: read_file(fd, n) for n in expected if n in listed}
        others = [n for n in listed if n not in expected]
        notes = []
        if not found:
            loose = [n for n in others if n.lower().endswith(".ipynb")]
            packed = [n for n in others if n.lower().endswith(".zip")]
            if loose:
                found = {n: read_file(fd, n) for n in loose}
            elif packed:
                if len(packed) > 1:
                    raise Refused(f"{len(packed)} zip files were handed in, and it is not clear which one counts.")
                found = unzip(read_file(fd, packed[0]), packed[0])
                notes.append(f"{shown(packed[0])} was unpacked")
            others = [n for n in others if n not in (*loose, *packed)]
            if len(expected) == 1 and list(found) != expected and expected[0] not in found:
                if len(found) != 1:
                    raise Refused(f"{expected[0]} is not there" + (f", and {len(found)} other notebooks are." if found else
                                  (f", but {shown(listed[0])} is." if listed else ": the folder is empty.")))
                (given, raw), = found.items()
                found = {expected[0]: raw}
                notes.append(f"{shown(given)} was taken for {expected[0]}")
            found = {n: raw for n, raw in found.items() if n in expected}
        if others:
            notes.append(f"{len(others)} other file{'s' * (len(others) > 1)} ignored")
        return {n.removesuffix(".ipynb"): raw for n, raw in found.items()}, notes
    finally:
        os.close(fd)


def shown(name: str) -> str:
    """A file's name as it can be printed, logged and stored."""
    name = name.encode("utf-8", "replace").decode()
    return "".join(c if re.match(r"[\w .@()+'’-]", c) or unicodedata.category(c) in ("Mn", "Mc") else "?" for c in name)[:60]


def parse(raw: bytes, name: str) -> list[dict]:
    """The cells of a notebook, each {"cell_type", "source", "metadata", "id", "attachments"}. Errors: Refused."""
    try:
        notebook = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Refused(f"{name} is not text in UTF-8.") from None
    except (ValueError, RecursionError):
        raise Refused(f"{name} is no notebook: it is not valid JSON.") from None
    if not isinstance(notebook, dict) or "nbformat" not in notebook:
        raise Refused(f"{name} is no notebook: it has no nbformat.")
    major, minor = notebook["nbformat"], notebook.get("nbformat_minor", 0)
    if type(major) is not int or type(minor) is not int or (major, minor) > (4, nbformat.v4.nbformat_minor) or major < 4:
        age = "an unknown" if type(major) is not int or type(minor) is not int else "an older" if major < 4 else "a newer"
        raise Refused(f"{name} has {age} notebook format; open it in the course's JupyterLab and save it again.")
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise Refused(f"{name} has no list of cells.")
    if len(cells) > MAX_CELLS:
        raise Refused(f"{name} has {len(cells)} cells; at most {MAX_CELLS} are taken.")
    cells = [_cell(cell, name) for cell in cells]
    if sum(len(cell["source"]) for cell in cells) > MAX_SOURCES:
        raise Refused(f"{name} has more than {MAX_SOURCES:,} characters of code and text.")
    return cells


def _cell(cell, name: str) -> dict:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        raise Refused(f"{name} has a cell that is neither code nor text.")
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str) or len(source) > MAX_SOURCE:
        raise Refused(f"{name} has a cell whose content is {'too long' if isinstance(source, str) else 'no text'}.")
    source = source.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = marks.get("grade_id") if isinstance(marks, dict) else None
    return {"cell_type": cell["cell_type"], "source": source, "attachments": _attachments(cell.get("attachments")),
            "grade_id": grade_id if isinstance(grade_id, str) else None, "id": cell.get("id") if isinstance(cell.get("id"), str) else None}


def _attachments(given) -> dict:
    if not isinstance(given, dict):
        return {}
    kept = {str(key): {kind: data for kind, data in value.items() if kind in IMAGES and isinstance(data, str)
                       and re.fullmatch(r"[A-Za-z0-9+/=\s]*", data)} for key, value in given.items() if isinstance(value, dict)}
    return {re.sub(r"[^\w.-]", "_", key): value for key, value in kept.items() if value}


def marks(cell) -> dict:
    """nbgrader's metadata of a release's cell."""
    return cell.metadata.get("nbgrader", {})


def role(cell) -> str:
    """"test", "answer", "locked", "given" (an instructor's cell that nbgrader does not know) or "extra" (a student's own)."""
    mine = marks(cell)
    if mine.get("solution"):
        return "answer"
    if mine.get("grade"):
        return "test"
    return "locked" if mine.get("locked") else "extra" if cell.get("id", "").startswith(EXTRA) else "given"


def rebuild(release: NotebookNode, tests: dict[str, str], cells: list[dict]) -> tuple[NotebookNode, list[str]]:
    """The release with the student's answers, the student's own cells in place, and `tests` (grade_id -> source) put in."""
    notebook, notes = copy.deepcopy(release), []
    for cell in notebook.cells:
        if role(cell) in ("test", "locked") and marks(cell)["grade_id"] in tests:
            cell.source = tests[marks(cell)["grade_id"]]
    by_name = {marks(cell)["grade_id"]: i for i, cell in enumerate(release.cells) if "grade_id" in marks(cell)}
    by_id = {cell.id: i for i, cell in enumerate(release.cells) if "id" in cell}
    by_source = {(cell.cell_type, cell.source.strip()): i for i, cell in enumerate(release.cells)}
    places, taken = [], {}                                # of each of the student's cells, its place in the release, or None
    for cell in cells:
        i = by_name.get(cell["grade_id"], by_id.get(cell["id"], by_source.get((cell["cell_type"], cell["source"].strip()))))
        places.append(i if i is not None and i not in taken else None)
        if places[-1] is not None:
            taken[i] = cell
    extras: dict[int, list[NotebookNode]] = {}
    at = -1
    for k, cell in enumerate(cells):
        if places[k] is not None:
            at = places[k]
            given = release.cells[at]
            if role(given) not in ("given", "locked") or cell["cell_type"] != "code" or cell["source"].strip() == given.source.strip():
                continue                                  # but an instructor's cell that was changed is one of their own too
        twin = by_source.get((cell["cell_type"], cell["source"].strip()))
        if twin is not None and (cell["cell_type"] != "code" or role(release.cells[twin]) in ("test", "answer")):
            continue                                      # a copy of an instructor's text, test or stub
        following = next((i for i in places[k + 1:] if i is not None), len(release.cells))
        extras.setdefault(min(at, following - 1) if places[k] is None else at, []).append(_extra(cell, sum(map(len, extras.values()))))
    for i, cell in enumerate(notebook.cells):
        if role(cell) != "answer":
            continue
        if i not in taken:
            notes.append(f"no cell for {marks(cell)['grade_id']}")
            cell.source = "" if cell.cell_type == "code" else cell.source      # the stub would undo an answer in another cell
            continue
        cell.source = taken[i]["source"]
        if cell.cell_type == "markdown" and taken[i]["attachments"]:
            cell.attachments = taken[i]["attachments"]
    order = extras.get(-1, [])
    for i, cell in enumerate(notebook.cells):
        order = [*order, cell, *extras.get(i, [])]
    notebook.cells = order
    if n := sum(map(len, extras.values())):
        notes.append(f"{n} cell{'s' * (n > 1)} of their own")
    return notebook, notes


def _extra(cell: dict, n: int) -> NotebookNode:
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell, "raw": nbformat.v4.new_raw_cell}
    extra = make[cell["cell_type"]](cell["source"], id=f"{EXTRA}{n + 1}")
    if cell["cell_type"] == "markdown" and cell["attachments"]:
        extra.attachments = cell["attachments"]
    return extra


def is_student(name: str) -> bool:
    """Whether a student may be called so: it begins with a letter or digit, and is a file's name with room for an ending."""
    letters = "".join(c for c in name if unicodedata.category(c) not in ("Mn", "Mc"))       # without accents that stand alone
    return bool(re.fullmatch(r"[^\W_][\w.@+ '’-]*", letters)) and len(name) <= 100 and len(name.encode()) <= 200


class Submission(NamedTuple):
    student: str
    notebooks: dict[str, NotebookNode]
    notes: list[str]
    refused: str = ""
    timestamp: str = ""


def take(submitted: Path, student: str, assignment: str, releases: dict[str, NotebookNode], tests: dict[str, dict[str, str]]) -> Submission:
    """One student's submission, rebuilt or refused."""
    try:
        if not is_student(student):
            raise Refused("The folder's name is no student's: letters, digits and . @ + - _ ' are taken, a hundred at most.")
        if (submitted / student).is_symlink():
            raise Refused(f"The folder of {student} is a link, and links are not followed.")
        folder = submitted / student / assignment
        found, notes = find(folder, list(releases))
        built = {}
        for name, raw in found.items():
            built[name], more = rebuild(releases[name], tests[name], parse(raw, f"{name}.ipynb"))
            notes += more
        stamp, note = _timestamp(folder)
        return Submission(student, built, notes + note, "", stamp)
    except Refused as why:
        return Submission(student, {}, [], str(why))
    except Exception as error:                            # one submission never stops the others
        return Submission(student, {}, [], f"What was handed in cannot be read ({type(error).__name__}).")


def _timestamp(folder: Path) -> tuple[str, list[str]]:
    """What the collector wrote beside the submission; never what a student's archive or notebook says."""
    if not os.path.lexists(folder / "timestamp.txt"):
        return "", []
    from nbgrader.utils import parse_utc
    try:
        return str(parse_utc(read_file(str(folder), "timestamp.txt", 100).decode().strip())), []
    except Exception:                                     # dateutil raises what it likes
        return "", ["an unreadable timestamp, so not counted as late"]
