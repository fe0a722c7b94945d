"""What a student's cells showed, made fit for an instructor's browser and a student's feedback."""
import base64
import os
import re
import sys
from pathlib import Path

import nbformat
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbgrader.utils import compute_checksum

from course_lib.grading.intake import marks, role
from course_lib.grading.sandbox import TOOLBOX

MAX_TEXT, MAX_IMAGE, MAX_OUTPUTS, MAX_NOTEBOOK = 50_000, 2 << 20, 100, 8 << 20
SANITIZER = SanitizeHTML()
_PLACES = {str(p) for place in (sys.prefix, sys.base_prefix, TOOLBOX.parent, Path.home()) for p in (place, os.path.realpath(place))}
PLACES = re.compile("|".join(re.escape(p) for p in sorted(_PLACES, key=len, reverse=True) if p.count("/") > 1 or p == "/root"))


def text(x, limit: int = MAX_TEXT) -> str:
    """Printable text without places of this machine, cut at `limit` characters."""
    if not isinstance(x, str):
        return ""
    x = x.encode("utf-8", "replace").decode()
    x = PLACES.sub("…", re.sub(r"[^\n\t\r\x20-\x7e\u00a0-\U0010ffff]", "", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", x)))
    return x if len(x) <= limit else x[:limit] + "\n… cut off …"


def html(x: str) -> str:
    """Without scripts, event handlers, styles, forms and frames."""
    return SANITIZER.sanitize_html_tags(x)


def _image(x) -> str | None:
    try:
        return x if isinstance(x, str) and len(x) < MAX_IMAGE and base64.b64decode(x, validate=False) else None
    except ValueError:
        return None


def _data(data) -> dict[str, str]:
    kept = {}
    for kind, value in (data.items() if isinstance(data, dict) else ()):
        if kind in ("image/png", "image/jpeg") and (image := _image(value)):
            kept[kind] = re.sub(r"[^A-Za-z0-9+/=]", "", image)
        elif kind in ("text/html", "text/markdown") and isinstance(value, str):
            kept[kind] = html(text(value))
        elif kind == "text/latex" and isinstance(value, str):
            kept[kind] = re.sub(r"\\(href|url|class|style|cssId|require|unicode)\b", "", html(text(value)))
        elif kind == "text/plain":
            kept[kind] = text(value)
    return kept


def clean(outputs) -> list:
    """nbformat outputs of whatever a kernel sent."""
    kept, room = [], MAX_TEXT
    for output in (outputs if isinstance(outputs, list) else [])[:MAX_OUTPUTS]:
        kind = output.get("output_type") if isinstance(output, dict) else None
        if kind == "stream":
            shown = text(output.get("text"), max(room, 0))
            room -= len(shown)
            if shown and room > -100:
                kept.append(nbformat.v4.new_output("stream", name="stderr" if output.get("name") == "stderr" else "stdout", text=shown))
        elif kind == "error":
            trace = output.get("traceback")
            lines = [text(line, 2000) for line in (trace if isinstance(trace, list) else [])[:60]]
            kept.append(nbformat.v4.new_output("error", ename=text(output.get("ename"), 200), evalue=text(output.get("evalue"), 3000),
                                               traceback=lines))
        elif kind in ("display_data", "execute_result"):
            if data := _data(output.get("data")):
                more = {"execution_count": None} if kind == "execute_result" else {}
                kept.append(nbformat.v4.new_output(kind, data=data, **more))
    return kept


def fill(notebook, outputs: list[list[dict]]) -> None:
    """Puts the outputs of the code cells into the notebook, and makes the student's own texts harmless."""
    room, each = MAX_NOTEBOOK, iter(outputs)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = clean(next(each)), None
            size = len(str(cell.outputs))
            room -= size
            if room < 0 and role(cell) != "test":
                cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="… too much output in this notebook …")]
        elif role(cell) == "extra" or (role(cell) == "answer" and marks(cell).get("checksum") != compute_checksum(cell)):
            cell.source = html(cell.source)
