"""A student's notebook as cells of which the types and sizes are certain, and nothing else."""
import json
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple
from urllib.parse import quote

import nbformat

from course_lib.grading.files import Refused

MAX_CELLS, MAX_SOURCE, MAX_SOURCES = 1000, 50_000, 400_000      # characters of a cell, of all cells
MAX_PICTURES, MAX_OUTPUT = 20, 5000              # of a cell; characters of what it showed
IMAGES = ("image/png", "image/jpeg")
INLINE = re.compile(r"data:image/(png|jpeg);base64,([A-Za-z0-9+/=]+)")


class TheirCell(NamedTuple):
    """A cell as the student handed it in, of which nothing is certain but its types and sizes."""

    cell_type: str
    source: str
    attachments: dict[str, dict[str, str]]
    grade_id: str | None
    id: str | None
    said: str = ""                      # what a code cell showed when it was handed in
    pictures: Sequence[dict[str, str]] = ()


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
    attachments = {}
    if cell["cell_type"] == "markdown":
        source, attachments = _pictures(source, cell.get("attachments"))
    if len(source) > MAX_SOURCE:
        raise Refused(f"{name} has a cell whose content is too long.")
    source = source.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    metadata = cell.get("metadata")
    theirs = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = theirs.get("grade_id") if isinstance(theirs, dict) else None
    text = lambda x: x if isinstance(x, str) else None
    said, pictures = _outputs(cell.get("outputs")) if cell["cell_type"] == "code" else ("", [])
    return TheirCell(cell["cell_type"], source, attachments, text(grade_id), text(cell.get("id")),
                     said, pictures)


def _image(kind, data) -> dict[str, str]:
    data = "".join(data) if isinstance(data, list) and all(map(_is_text, data)) else data
    ours = kind in IMAGES and _is_text(data) and re.fullmatch(r"[A-Za-z0-9+/=\s]*", data)
    return {kind: data} if ours else {}


def _is_text(x) -> bool:
    return isinstance(x, str)


def free_key(name: str, taken: Collection[str]) -> str:
    """What a picture is called as an attachment: by its name, as no other is."""
    plain = key = re.sub(r"[^\w.-]", "_", name)
    number = 1
    while key in taken:
        number += 1
        key = f"{number}-{plain}"
    return key


def _pictures(source: str, given) -> tuple[str, dict]:
    """A text, and the pictures in it: attached ones, and those that stand in its addresses, as
    Colab has them. What nothing in the text names, and what cannot be shown, is named behind it."""
    kept, odd = {}, []
    for name, value in list(given.items())[:MAX_PICTURES] if isinstance(given, dict) else ():
        images = [_image(*it) for it in value.items()] if isinstance(value, dict) else []
        images = {kind: data for image in images for kind, data in image.items()}
        if len(name) > 200 or not (images or value):
            continue
        key = re.sub(r"[^\w.-]", "_", name)
        for link in {name, quote(name)}:
            source = source.replace(f"attachment:{link}", f"attachment:{key}")
        if images:
            kept[key] = images
        else:
            odd.append(key)

    def attached(found: re.Match) -> str:
        key = f"inline-{len(kept) + 1}.{found[1]}"
        if len(kept) >= MAX_PICTURES:
            return found[0]
        kept[key] = {f"image/{found[1]}": found[2]}
        return f"attachment:{key}" + "\n" * (found.end() == len(source))

    source = INLINE.sub(attached, source)
    for key in kept:
        if f"attachment:{key}" not in source:
            source += f"\n\n![{key}](attachment:{key})"
    if odd:
        source += f"\n\n*(No PNG or JPEG picture, and not shown: {', '.join(odd)})*"
    return source, kept


def _outputs(given) -> tuple[str, list[dict[str, str]]]:
    """Text and pictures that a cell showed when it was handed in."""
    said, pictures = [], []
    for output in given[:MAX_PICTURES] if isinstance(given, list) else ():
        output = output if isinstance(output, dict) else {}
        data = output.get("data") if isinstance(output.get("data"), dict) else {}
        images = [_image(*it) for it in data.items()]
        pictures += [image for image in images if image][:1]
        text = data.get("text/markdown") or output.get("text") or data.get("text/plain") or ""
        text = "".join(text) if isinstance(text, list) and all(map(_is_text, text)) else text
        if _is_text(text) and not any(images):
            said.append(text.encode("utf-8", "replace").decode())
    return "\n".join(said)[:MAX_OUTPUT].strip(), pictures
