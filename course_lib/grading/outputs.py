"""What a student's cells showed, made fit for an instructor's browser and a student's feedback."""
import base64
import os
import re
import sys
from html import escape
from pathlib import Path

import bleach
import nbformat
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbgrader.utils import compute_checksum

from course_lib.grading.intake import marks, role
from course_lib.grading.sandbox import TOOLBOX

MAX_TEXT, MAX_IMAGE, MAX_OUTPUTS, MAX_NOTEBOOK = 50_000, 2 << 20, 100, 8 << 20
MAX_RICH, MAX_MARKS = 20_000, 2_000                       # characters, and marks of a markup language, in one rich text
MAX_RICHES = 20 * MAX_RICH                                # characters of rich text in one notebook
FORMATTING = re.compile(r"<(a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)\b", re.I)   # HTML carries these into every later block
MAX_FORMATTING = 100
TAGS = frozenset("a abbr b blockquote br code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li ol p pre q s small span strong sub "
                 "sup table tbody td tfoot th thead tr u ul".split())
TEX = re.compile(r"\\+(href|url|class|style|cssId|require|unicode|data|mmlToken)\b")
BACKSLASH = re.compile(r"&(#0*92|#x0*5c|bsol)(;|(?![0-9a-z]))", re.I)
_PLACES = {str(p) for place in (sys.prefix, sys.base_prefix, TOOLBOX.parent, Path.home()) for p in (place, os.path.realpath(place))}
PLACES = re.compile("|".join(re.escape(p) for p in sorted(_PLACES, key=len, reverse=True) if p.count("/") > 1 or p == "/root"))


def text(x, limit: int = MAX_TEXT) -> str:
    """Printable text without places of this machine, cut at `limit` characters."""
    if not isinstance(x, str):
        return ""
    x = x.encode("utf-8", "replace").decode()
    x = PLACES.sub("…", re.sub(r"[^\n\t\r\x20-\x7e\u00a0-\U0010ffff]", "", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", x)))
    return x if len(x) <= limit else x[:limit] + "\n… cut off …"


def _attribute(tag: str, name: str, value: str) -> bool:
    if name == "src":
        return tag == "img" and re.match(r"(data:image/(png|jpeg);base64,[A-Za-z0-9+/=\s]*|#attachment-[0-9]+)$", value) is not None
    if name == "href":
        return tag == "a" and re.match(r"(https?://|mailto:|#)", value) is not None
    return name in ("alt", "title", "colspan", "rowspan")


def html(x: str) -> str:
    """HTML without scripts, handlers, styles, forms, frames, and links to anywhere but the web; as plain text where it is large."""
    plain = re.sub(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/=]*", "", x)
    if len(plain) > MAX_RICH or x.count("<") > MAX_MARKS or len(FORMATTING.findall(x)) > MAX_FORMATTING:
        return f"<pre>{escape(x[:MAX_TEXT])}</pre>"
    x = bleach.clean(BACKSLASH.sub(r"\\", x), tags=TAGS, attributes=_attribute, protocols={"http", "https", "mailto", "data"})
    return TEX.sub(r"\1", x)


def markdown(x: str, attachments: dict | None = None) -> str:
    """Markdown as HTML that is safe, on one line, which Markdown leaves as it is; each of `attachments` is put in once."""
    given = list((attachments or {}).items())[:20]
    for i, (name, _) in enumerate(given):
        x = re.sub(rf"attachment:{re.escape(name)}(?=[)\"'\s>])", f"#attachment-{i}", x, count=1)
    plain = re.sub(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/=]*", "", x)
    if len(plain) > MAX_RICH or len(re.findall(r"[\[\]*_`<&$\\]", plain)) > MAX_MARKS:
        page = f"<pre>{escape(plain[:MAX_TEXT])}</pre>"
    else:
        page = html(markdown2html_mistune(x.replace("attachment:", "#missing-")))
    for i, (_, kinds) in enumerate(given):
        kind, data = next(iter(kinds.items()))
        page = page.replace(f'src="#attachment-{i}"', f'src="data:{kind};base64,{"".join(data.split())}"', 1)
    return "<div>" + page.replace("\n", "&#10;") + "</div>"


def _image(x) -> str | None:
    try:
        return x if isinstance(x, str) and len(x) < MAX_IMAGE and base64.b64decode(x, validate=False) else None
    except ValueError:
        return None


def _data(data, room: list[int]) -> dict[str, str]:
    kept = {}
    for kind, value in (data.items() if isinstance(data, dict) else ()):
        if kind in ("text/html", "text/markdown", "text/latex") and isinstance(value, str):
            room[0] -= min(len(value), MAX_RICH)
            if room[0] < 0:
                kept["text/plain"] = "… too much rich text in this notebook …"
                continue
        if kind in ("image/png", "image/jpeg") and (image := _image(value)):
            kept[kind] = re.sub(r"[^A-Za-z0-9+/=]", "", image)
        elif kind == "text/html" and isinstance(value, str):
            kept[kind] = html(text(value))
        elif kind == "text/markdown" and isinstance(value, str):
            kept[kind] = markdown(text(value))
        elif kind == "text/latex" and isinstance(value, str):
            kept[kind] = TEX.sub(r"\1", escape(text(value), quote=False))
        elif kind == "text/plain":
            kept[kind] = text(value)
    return kept


def clean(outputs, riches: list[int]) -> list:
    """nbformat outputs of whatever a kernel sent. `riches`: the characters of rich text that are left, which it counts down."""
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
            if data := _data(output.get("data"), riches):
                more = {"execution_count": None} if kind == "execute_result" else {}
                kept.append(nbformat.v4.new_output(kind, data=data, **more))
    return kept


def fill(notebook, outputs: list[list[dict]]) -> None:
    """Puts the outputs of the code cells into the notebook, and makes the student's own texts harmless."""
    room, riches, each = MAX_NOTEBOOK, [MAX_RICHES], iter(outputs)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            if role(cell) in ("answer", "extra"):          # highlighters need the square of the time for long stretches of nothing
                cell.source = re.sub(r"\s{200,}", lambda gap: gap[0][:100] + gap[0][-100:], cell.source)
            cell.outputs, cell.execution_count = clean(next(each), riches), None
            size = len(str(cell.outputs))
            room -= size
            if room < 0 and role(cell) != "test":
                cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="… too much output in this notebook …")]
        elif role(cell) == "extra" or (role(cell) == "answer" and marks(cell).get("checksum") != compute_checksum(cell)):
            cell.source = markdown(text(cell.source), cell.pop("attachments", None))
