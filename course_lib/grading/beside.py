"""What a student hands in beside the notebook: it lies where the cells run, and pictures and texts
are shown to the marker. Here it is bytes, of which only a picture's size is read."""
import base64
import importlib.machinery
import re
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import nbformat

from course_lib.grading.cells import EXTRA, role
from course_lib.grading.files import Refused
from course_lib.grading.names import composed, shown
from course_lib.grading.parse import MAX_PICTURES, free_key

PICTURES, TEXTS = (".png", ".jpg", ".jpeg"), (".txt", ".md", ".tex")
DATA = (".py", ".csv", ".tsv", ".json", ".npy", ".npz", ".pt", ".safetensors")
KINDS = (*DATA, *TEXTS, ".pdf", *PICTURES)
MAX_ONE, MAX_ALL, MAX_MANY, MAX_NAMED = 8 << 20, 16 << 20, 50, 10
MAX_PIXELS, MAX_SHOWN = 50_000_000, 20_000      # of a picture; characters of a text
MAX_SEGMENTS = 500              # of a JPEG before its size
MAX_ATTACHED = 32 << 20         # characters of all pictures in one notebook, in base64
STARTUP = ("sitecustomize", "usercustomize", "conftest", "setup")
LINKS = (("](", ")"), ("](", " "), ("](<", ">"), ('src="', '"'), ("src='", "'"))
FORMATS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}        # by their first bytes


class Beside(NamedTuple):
    """Files by name, sentences about what was left out, and the names of all that may hold a
    written answer."""

    files: dict[str, bytes]
    notes: list[str]
    papers: list[str]


def sort(given: Iterable[tuple[str, Callable[[Callable, int], bytes]]],
         released: Path | None) -> Beside:
    """Takes what can be taken of the files `given`: names, and what reads each, at most so many
    bytes, once a function agrees to it, or raises Refused. released: the folder of the course's own
    files, which win."""
    files, notes, papers, room = {}, [], [], MAX_ALL
    for name, read in given:
        plain = composed(name)
        try:
            if len(files) >= MAX_MANY:
                raise Refused(f"{shown(name)} is one too many: {MAX_MANY} files are taken.")
            data = read(lambda *_, plain=plain: _check_name(plain), MAX_ONE)
            if released and (ours := released / plain).is_file():
                if ours.read_bytes() != data:
                    notes.append(f"{shown(name)} is the course's own, which counts")
                    if not plain.lower().endswith(DATA):
                        papers.append(shown(name))
                continue
            if len(data) > min(MAX_ONE, room):
                raise Refused(f"{shown(name)} is too large: at most {MAX_ONE >> 20} MB a file and "
                              f"{MAX_ALL >> 20} MB in all are taken.")
            if plain.lower().endswith(PICTURES):
                picture(data, plain)
            if files.setdefault(plain, data) is not data:
                raise Refused(f"{shown(name)} is there twice.")
            room -= len(data)
        except Refused as why:
            notes.append(f"graded without it: {str(why).rstrip('.')}")
        if not plain.lower().endswith(DATA):
            papers.append(shown(name))
    if files:
        notes.insert(0, f"with {', '.join(map(shown, [*files][:MAX_NAMED]))}"
                        + f" and {len(files) - MAX_NAMED} more" * (len(files) > MAX_NAMED))
    if len(notes) > MAX_NAMED:
        notes[MAX_NAMED:] = [f"and without {len(notes) - MAX_NAMED} more files"]
    return Beside(files, notes, papers)


def _check_name(name: str) -> None:
    """Errors: Refused."""
    stem, _, kind = name.rpartition(".")
    if f".{kind.lower()}" not in KINDS:
        raise Refused(f"{shown(name)} is no file of a kind that is taken.")
    if not re.fullmatch(r"\w[\w .,+@()'-]*", name) or len(name.encode()) > 200:
        raise Refused(f"{shown(name)} has no plain name: letters, digits and . , + - _ are taken.")
    if kind.lower() == "py":
        if not stem.isidentifier() or stem.startswith("__") or stem.endswith("_config") \
                or stem in STARTUP or kind != "py":
            raise Refused(f"{shown(name)} is not called as a module can be.")
        if _is_installed(stem):
            raise Refused(f"{shown(name)} would hide Python's own module {stem}; it needs another "
                          "name.")


def _is_installed(module: str) -> bool:
    if module in sys.stdlib_module_names or module == "course_lib":
        return True
    places = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    spec = importlib.machinery.PathFinder.find_spec(module, places)
    return bool(spec and spec.origin)


def picture(data: bytes, name: str) -> str:
    """"png" or "jpeg", by its bytes. Errors: Refused."""
    kind = next((kind for start, kind in FORMATS.items() if data.startswith(start)), "")
    if not kind:
        raise Refused(f"{shown(name)} holds no PNG or JPEG picture.")
    pixels = _pixels_of_png(data) if kind == "png" else _pixels_of_jpeg(data)
    if not pixels:
        raise Refused(f"{shown(name)} holds no picture that can be read.")
    if pixels > MAX_PIXELS:
        raise Refused(f"{shown(name)} has too many pixels: {MAX_PIXELS // 10**6} million are "
                      "taken.")
    return kind


def _pixels_of_png(data: bytes) -> int:
    """How many its header says, which comes first; 0 where there is none."""
    if len(data) < 33 or data[8:16] != b"\0\0\0\rIHDR":
        return 0
    width, height = struct.unpack(">II", data[16:24])
    return width * height


def _pixels_of_jpeg(data: bytes) -> int:
    """How many its first frame says, which comes after some segments; 0 where there is none."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        if len(data) < at + 9 or data[at] != 0xff:
            return 0
        kind, (size,) = data[at + 1], struct.unpack(">H", data[at + 2:at + 4])
        if 0xc0 <= kind <= 0xcf and kind not in (0xc4, 0xc8, 0xcc):
            height, width = struct.unpack(">HH", data[at + 5:at + 9])
            return width * height
        at += 1 if kind == 0xff else 2 + size           # more of 0xff fill a gap
    return 0


def put(notebook, files: dict[str, bytes]) -> list[str]:
    """Puts the files into a rebuilt notebook: all for the sandbox, which `to_run` sends there;
    each picture once, where one of the student's texts names it first, else at the end; texts at
    the end. Returns notes about pictures for which there is no room."""
    coded = {name: base64.b64encode(data).decode() for name, data in files.items()}
    if coded:
        notebook.metadata["course"] = notebook.metadata.get("course", {}) | {"files": coded}
    theirs = [cell for cell in notebook.cells
              if cell.cell_type == "markdown" and role(cell) in ("answer", "extra")]
    attached = [it for cell in theirs for it in cell.get("attachments", {}).items()]
    keys = {key for key, _ in attached}
    room = MAX_ATTACHED - sum(len(data) for _, kinds in attached for data in kinds.values())
    notes = []
    for name, data in files.items():
        end, at = name.lower(), f"{EXTRA}beside-{len(notebook.cells)}"
        if end.endswith(PICTURES):
            if len(coded[name]) > room:
                notes.append(f"{shown(name)} is not shown: there are too many pictures")
                continue
            room -= len(coded[name])
            key = free_key(name, keys)
            keys.add(key)
            image = {key: {f"image/{picture(data, name)}": coded[name]}}
            if not _attach(theirs, name, image):
                text = f"*Handed in beside the notebook: {key}*\n\n![{key}](attachment:{key})"
                cell = nbformat.v4.new_markdown_cell(text, id=at, attachments=image)
                notebook.cells.append(cell)
        elif end.endswith(TEXTS):
            text = data.decode("utf-8-sig", "replace")[:MAX_SHOWN].replace("\r\n", "\n")
            text = f"Handed in beside the notebook: {name}\n\n{text}"
            notebook.cells.append(nbformat.v4.new_raw_cell(text, id=at))
    return notes


def _attach(cells: list, name: str, image: dict) -> bool:
    """Whether a text names the picture, which is attached to the first that does; the others say
    so."""
    (key,), done = image, False
    for cell in cells:
        source = cell.source
        for link in {name, quote(name), f"./{name}", f"./{quote(name)}"}:
            for before, after in LINKS:
                new = f"{before}attachment:{key}{after}"
                source = source.replace(f"{before}{link}{after}", new)
        if source == cell.source:
            continue
        if done:
            cell.source += f"\n\n*({key} is shown above.)*"
        elif len(cell.get("attachments", {})) < MAX_PICTURES:
            cell.source, cell.attachments = source, cell.get("attachments", {}) | image
            done = True
    return done


def without(notebook) -> None:
    """Takes the files out again, once the notebook ran."""
    notebook.metadata.get("course", {}).pop("files", None)
