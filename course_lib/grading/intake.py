"""A submission is data: reads what students hand in, and rebuilds each notebook from the release.

The instructor's cells, their order, ids, points and metadata come from the release, the tests from
the gradebook; from the student come the contents of the answer cells, and cells of their own.
Whatever cannot be read is refused with a sentence.
"""
import copy
import errno
import functools
import hashlib
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

from course_lib.grading.cells import EXTRA, marks, role

MAX_FILE, MAX_FILES = 20 << 20, 1000
MAX_CELLS, MAX_SOURCE, MAX_SOURCES = 1000, 50_000, 400_000      # characters of a cell, of all cells
IMAGES = ("image/png", "image/jpeg")


class Refused(ValueError):
    """A submission that cannot be graded; the message is a sentence for instructor and student."""


class TheirCell(NamedTuple):
    """A cell as the student handed it in, of which nothing is certain but its types and sizes."""

    cell_type: str
    source: str
    attachments: dict[str, dict[str, str]]
    grade_id: str | None
    id: str | None


def open_file(folder: int | str, name: str) -> int:
    """A descriptor of a regular file. Links are not followed, pipes not waited for. `folder` is a
    path or an open folder."""
    at = {} if isinstance(folder, str) else {"dir_fd": folder}
    path = os.path.join(folder, name) if isinstance(folder, str) else name
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, **at)
    except OSError as error:
        why = ("is a link, and links are not followed." if error.errno == errno.ELOOP
               else f"cannot be read: {error.strerror}.")
        raise Refused(f"{shown(name)} {why}") from None
    if not stat.S_ISREG(mode := os.fstat(fd).st_mode):
        os.close(fd)
        kind = "folder" if stat.S_ISDIR(mode) else "pipe, socket or device"
        raise Refused(f"{shown(name)} is no file, but a {kind}.")
    return fd


def read_file(folder: int | str, name: str, limit: int = MAX_FILE,
              look: Callable[[os.stat_result], None] = lambda status: None) -> bytes:
    """The bytes of a regular file, as `open_file` opens it, and once `look` agrees to it. Errors:
    Refused, and what `look` raises."""
    with open(open_file(folder, name), "rb") as file:
        status = os.fstat(file.fileno())
        if status.st_size > limit:
            raise Refused(f"{shown(name)} has {status.st_size / 2**20:.0f} MB; "
                          f"at most {limit >> 20} MB are taken.")
        look(status)
        data, then = file.read(limit + 1), os.fstat(file.fileno())
        when = lambda status: (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if len(data) != status.st_size or when(then) != when(status):
            raise Refused(f"{shown(name)} changed while it was read.")
        return data


def open_folder(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        kind = "a link" if path.is_symlink() else "no folder"
        raise Refused(f"{shown(path.name)} is {kind}; "
                      "a folder with the notebook is expected.") from None


def entries(file, name: str, kinds: tuple[str, ...],
            most: int = MAX_FILES) -> Iterator[tuple[str, Callable[[int], bytes]]]:
    """The files of these kinds in a zip file: the path as it stands there, with /, and what reads
    at most so many of its bytes. Nothing is written. Errors: Refused."""
    broken = Refused(f"{shown(name)} is a zip file that cannot be unpacked.")
    try:
        archive = zipfile.ZipFile(file)
    except Exception:                           # zipfile and its decompressors raise what they like
        raise broken from None
    if len(archive.infolist()) > most:
        raise Refused(f"{shown(name)} holds {len(archive.infolist())} files; "
                      f"at most {most} are taken.")

    def read(entry, limit: int) -> bytes:
        if entry.compress_type == zipfile.ZIP_LZMA:         # which takes as much memory as it says
            raise broken
        try:
            with archive.open(entry) as unpacked:
                return unpacked.read(limit)
        except Exception:
            raise broken from None

    for entry in archive.infolist():
        path = entry.filename.replace("\\", "/")
        parts = inside(path)
        if entry.is_dir() or not 0 < len(parts) <= 10 or any(map(_litter, parts)):
            continue
        if parts[-1].lower().endswith(kinds):
            yield path, functools.partial(read, entry)


def inside(path: str) -> list[str]:
    """The parts of a path that lead on, and not back."""
    return [part for part in path.split("/") if part.strip(". ")]


def unzip(raw: bytes, name: str) -> dict[str, bytes]:
    """The notebooks in a student's zip file, by the last part of their paths. Errors: Refused."""
    found, room = {}, MAX_FILE
    for path, read in entries(io.BytesIO(raw), name, (".ipynb",)):
        data, last = read(room + 1), inside(path)[-1]
        if last in found:
            raise Refused(f"{shown(name)} holds more than one {shown(last)}, "
                          "and it is not clear which one counts.")
        room -= len(data)
        if room < 0:
            raise Refused(f"{shown(name)} unpacks to more than {MAX_FILE >> 20} MB.")
        found[last] = data
    return found


def _litter(name: str) -> bool:
    """What editors, Macs and Windows leave beside a notebook."""
    left = ("__MACOSX", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db", "desktop.ini")
    return name.startswith("._") or name in left


def find(folder: Path, names: list[str]) -> tuple[dict[str, bytes], list[str]]:
    """The notebooks that are handed in, by the names of the release's (without .ipynb), and notes.
    Errors: Refused."""
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
                found = {n: read_file(fd, n) if len(loose) == 1 else b"" for n in loose}
            elif packed:
                if len(packed) > 1:
                    raise Refused(f"{len(packed)} zip files were handed in, "
                                  "and it is not clear which one counts.")
                found = unzip(read_file(fd, packed[0]), packed[0])
                notes.append(f"{shown(packed[0])} was unpacked")
            others = [n for n in others if n not in (*loose, *packed)]
            if len(expected) == 1 and list(found) != expected and expected[0] not in found:
                if len(found) != 1:
                    instead = ": the folder is empty."
                    if listed:
                        instead = f", but {shown(listed[0])} is."
                    if found:
                        instead = f", and {len(found)} other notebooks are."
                    raise Refused(f"{expected[0]} is not there{instead}")
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
    plain = lambda c: re.match(r"[\w .,:@()+'’-]", c) or unicodedata.category(c) in ("Mn", "Mc")
    return "".join(c if plain(c) else "?" for c in name)[:60]


def storable(name: str) -> str:
    """A name for a file that looks like this one: printable, not too long, and no other's."""
    same = name.encode("utf-8", "replace").decode()
    same = "".join(c if c.isprintable() and c != "/" else "_" for c in same)
    if same == name and len(name.encode()) <= 240:
        return name
    stem, ending = os.path.splitext(same)
    if len(ending) > 10:
        stem, ending = same, ""
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{stem.encode()[:180].decode(errors='ignore')}~{mark}{ending}"


def called(student: str) -> str:
    """What a table calls a student: no two alike, also where the name cannot be printed."""
    if is_student(student) or shown(student) == student:
        return student
    mark = hashlib.sha256(student.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{shown(student)}~{mark}"


# letters that are read as Latin ones, and these; and what nobody sees
LOOK = str.maketrans("аеорсухіјѕһԁԛԝвкмнтαορνκιτυχγı", "aeopcyxijshdqwbkmhtaopvkituxyi")
UNSEEN = re.compile("[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
                    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff ]")


def looks(name: str) -> str:
    """What the eye takes a name for: without case, what is not seen, and other alphabets' letters
    that look the same."""
    folded = unicodedata.normalize("NFKC", name).casefold().translate(LOOK)
    return UNSEEN.sub("", unicodedata.normalize("NFKC", folded))


def alike(names: list[str]) -> dict[str, str]:
    """Of each name that can be taken for another of them, or mixes alphabets, what is to be said of
    it."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(looks(name), []).append(name)
    said = {}
    for name in names:
        others = [ascii(other) for other in groups[looks(name)] if other != name]
        scripts = {unicodedata.name(c, "").split(" ")[0] for c in name}
        mixed = scripts & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}
        if others:
            said[name] = f"the name {ascii(name)} looks like {', '.join(others[:3])}"
        elif len(mixed) > 1:
            said[name] = f"the name {ascii(name)} mixes alphabets"
    return said


def parse(raw: bytes, name: str) -> list[TheirCell]:
    """The cells of a notebook. Errors: Refused."""
    try:
        notebook = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Refused(f"{name} is not text in UTF-8.") from None
    except (ValueError, RecursionError):
        raise Refused(f"{name} is no notebook: it is not valid JSON.") from None
    if not isinstance(notebook, dict) or "nbformat" not in notebook:
        raise Refused(f"{name} is no notebook: it has no nbformat.")
    major, minor = notebook["nbformat"], notebook.get("nbformat_minor", 0)
    if type(major) is not int or type(minor) is not int:
        age = "an unknown"
    else:
        newer = (major, minor) > (4, nbformat.v4.nbformat_minor)
        age = "an older" if major < 4 else "a newer" if newer else ""
    if age:
        raise Refused(f"{name} has {age} notebook format; "
                      "open it in the course's JupyterLab and save it again.")
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise Refused(f"{name} has no list of cells.")
    if len(cells) > MAX_CELLS:
        raise Refused(f"{name} has {len(cells)} cells; at most {MAX_CELLS} are taken.")
    cells = [_cell(cell, name) for cell in cells]
    if sum(len(cell.source) for cell in cells) > MAX_SOURCES:
        raise Refused(f"{name} has more than {MAX_SOURCES:,} characters of code and text.")
    return cells


def _cell(cell, name: str) -> TheirCell:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        raise Refused(f"{name} has a cell that is neither code nor text.")
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise Refused(f"{name} has a cell whose content is no text.")
    if len(source) > MAX_SOURCE:
        raise Refused(f"{name} has a cell whose content is too long.")
    source = source.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    metadata = cell.get("metadata")
    theirs = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = theirs.get("grade_id") if isinstance(theirs, dict) else None
    text = lambda x: x if isinstance(x, str) else None
    return TheirCell(cell["cell_type"], source, _attachments(cell.get("attachments")),
                     text(grade_id), text(cell.get("id")))


def _attachments(given) -> dict:
    if not isinstance(given, dict):
        return {}
    kept = {}
    for name, value in given.items():
        images = value.items() if isinstance(value, dict) else ()
        images = {kind: data for kind, data in images if kind in IMAGES
                  and isinstance(data, str) and re.fullmatch(r"[A-Za-z0-9+/=\s]*", data)}
        if images and len(name) <= 200:
            kept[re.sub(r"[^\w.-]", "_", name)] = images
    return kept


def rebuild(release: NotebookNode, tests: dict[str, str],
            cells: list[TheirCell]) -> tuple[NotebookNode, list[str]]:
    """The release with the student's answers, the student's own cells in place, and `tests`
    (grade_id -> source) put in."""
    notebook, notes = copy.deepcopy(release), []
    for cell in notebook.cells:
        if role(cell) in ("test", "locked") and marks(cell)["grade_id"] in tests:
            cell.source = tests[marks(cell)["grade_id"]]
    by_source = {_content(cell): i for i, cell in enumerate(release.cells)}
    places = _places(release, cells, by_source)
    taken = {i: cell for i, cell in zip(places, cells) if i is not None}
    extras: dict[int, list[NotebookNode]] = {}
    at = -1
    for k, cell in enumerate(cells):
        if places[k] is not None:
            at = places[k]
            given = release.cells[at]
            same = cell.cell_type != "code" or cell.source.strip() == given.source.strip()
            if role(given) not in ("given", "locked") or same:
                continue        # but an instructor's cell that was changed is one of their own too
        twin = by_source.get(_content(cell))
        if twin is not None and (cell.cell_type != "code"
                                 or role(release.cells[twin]) in ("test", "answer")):
            continue            # a copy of an instructor's text, test or stub
        following = next((i for i in places[k + 1:] if i is not None), len(release.cells))
        after = min(at, following - 1) if places[k] is None else at
        extra = _extra(cell, sum(map(len, extras.values())))
        extras.setdefault(after, []).append(extra)
    for i, cell in enumerate(notebook.cells):
        if role(cell) != "answer":
            continue
        if i not in taken:
            notes.append(f"no cell for {marks(cell)['grade_id']}")
            if cell.cell_type == "code":
                cell.source = ""        # the stub would undo an answer in another cell
            continue
        cell.source = taken[i].source
        if cell.cell_type == "markdown" and taken[i].attachments:
            cell.attachments = taken[i].attachments
    order = extras.get(-1, [])
    for i, cell in enumerate(notebook.cells):
        order = [*order, cell, *extras.get(i, [])]
    notebook.cells = order
    if n := sum(map(len, extras.values())):
        notes.append(f"{n} cell{'s' * (n > 1)} of their own")
    return notebook, notes


def _content(cell) -> tuple[str, str]:
    return cell.cell_type, cell.source.strip()


def _places(release: NotebookNode, cells: list[TheirCell],
            by_source: dict[tuple[str, str], int]) -> list[int | None]:
    """Of each of the student's cells, its place in the release, or None; each is taken once."""
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


def is_student(name: str) -> bool:
    """Whether a student may be called so: it begins with a letter or digit, and is a file's name
    with room for an ending."""
    stands_alone = lambda c: unicodedata.category(c) in ("Mn", "Mc")        # an accent
    letters = "".join(c for c in name if not stands_alone(c))
    if not re.fullmatch(r"[^\W_][\w.@+ '’-]*", letters):
        return False
    return len(name) <= 100 and len(name.encode()) <= 200


class Submission(NamedTuple):
    """What a student handed in, rebuilt, and notes for the instructor; or why it is refused."""

    student: str
    notebooks: dict[str, NotebookNode]
    notes: list[str]
    refused: str = ""
    timestamp: str = ""


def take(submitted: Path, student: str, assignment: str, releases: dict[str, NotebookNode],
         tests: dict[str, dict[str, str]]) -> Submission:
    """One student's submission, rebuilt or refused."""
    try:
        if not is_student(student):
            raise Refused("The folder's name is no student's: letters, digits and . @ + - _ ' "
                          "are taken, a hundred at most.")
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
    except Exception as error:                  # one submission never stops the others
        why = f"What was handed in cannot be read ({type(error).__name__})."
        return Submission(student, {}, [], why)


def _timestamp(folder: Path) -> tuple[str, list[str]]:
    """What the collector wrote beside the submission; never what a student's archive or notebook
    says."""
    if not os.path.lexists(folder / "timestamp.txt"):
        return "", []
    from nbgrader.utils import parse_utc
    try:
        text = read_file(str(folder), "timestamp.txt", 100).decode().strip()
        return str(parse_utc(text)), []
    except Exception:                           # dateutil raises what it likes
        return "", ["an unreadable timestamp, so not counted as late"]
