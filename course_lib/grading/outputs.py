"""What a student's cells showed, made fit for an instructor's browser and a student's feedback."""
import base64
import re
from html import escape

import nbformat
import nh3
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbgrader.utils import compute_checksum

from course_lib.grading.cells import marks, role
from course_lib.grading.places import HIDDEN, tells_a_place, without_places
from course_lib.grading.tex import only_mathematics, page_with_only_mathematics

MAX_TEXT, MAX_IMAGE, MAX_OUTPUTS, MAX_NOTEBOOK = 50_000, 2 << 20, 100, 8 << 20
MAX_RICH = 20_000                               # characters of one rich text
MAX_RICHES = 20 * MAX_RICH                      # and of all in one notebook
MAX_MARKUP = 2_000                              # marks of a markup language in one rich text
MAX_LINES, MAX_BEGUN = 1000, 100                # lines and \begin of one text in Markdown
MAX_FORMATTING = 100                            # tags that HTML carries into every later block
FORMATTING = re.compile(r"<(a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)\b", re.I)

TAGS = set("a abbr b blockquote br code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li ol p "
           "pre q s small span strong sub sup table tbody td tfoot th thead tr u ul".split())
SILENT = {"script", "style"}                    # tags that go with their content
NO_TAG = re.compile(rf"<(?!/?({'|'.join(TAGS | SILENT)})\b|!--)", re.I)
ATTRIBUTES = {"*": {"alt", "title", "colspan", "rowspan"}, "img": {"src"}, "a": {"href"}}
SCHEMES = {"http", "https", "mailto", "data"}
PICTURE = re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/=]*")
ADDRESSES = {
    "src": re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/=\s]*|#attachment-[0-9]+"),
    "href": re.compile(r"(https?://|mailto:|#).*", re.DOTALL),
}
COLOURED, ALL_COLOURED = 10_000, 40_000         # characters of one cell, of all in one notebook


class _Plain(IPythonRenderer):
    """Of Markdown; code in it has no colours, which some languages take a minute for."""

    def block_code(self, code: str, info: str | None = None) -> str:
        return f"<pre><code>{escape(code)}</code></pre>\n"


def text(x, limit: int = MAX_TEXT) -> str:
    """Printable text without places of this machine, cut at `limit` characters."""
    if not isinstance(x, str):
        return ""
    long = len(x) > 4 * MAX_TEXT                # the rest is not even looked at
    x = x[:4 * MAX_TEXT].encode("utf-8", "replace").decode()
    x = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", x)
    x = re.sub(r"[^\n\t\r\x20-\x7e\u00a0-\U0010ffff]", "", x)
    long = long or len(x) > limit
    x = without_places(x[:limit + 200])
    return x[:limit] + "\n… cut off …" if long else x


def _attribute(tag: str, name: str, value: str) -> str | None:
    return value if name not in ADDRESSES or ADDRESSES[name].fullmatch(value) else None


def html(x: str) -> str:
    """HTML without scripts, handlers, styles, forms, frames, links to anywhere but the web, TeX
    that is no mathematics, and this machine's places; as plain text where it is large. Other tags
    stand there as text."""
    large = len(PICTURE.sub("", x)) > MAX_RICH or x.count("<") + x.count("\\") > MAX_MARKUP
    if large or len(FORMATTING.findall(x)) > MAX_FORMATTING:
        return f"<pre>{escape(x[:MAX_TEXT])}</pre>"
    x = nh3.clean(NO_TAG.sub("&lt;", x), tags=TAGS, clean_content_tags=SILENT,
                  attributes=ATTRIBUTES, attribute_filter=_attribute, url_schemes=SCHEMES,
                  link_rel=None)
    for page in (x, page_with_only_mathematics(x)):
        if tells_a_place(page) or tells_a_place(re.sub(r"<[^>]*>", "", page)):
            return HIDDEN
    return page


def markdown(x: str, attachments: dict | None = None) -> str:
    """Markdown as HTML that is safe, on one line, which Markdown leaves as it is; each of
    `attachments` is put in once."""
    given = list((attachments or {}).items())[:20]
    for i, (name, _) in enumerate(given):
        link = rf"attachment:{re.escape(name)}(?=[)\"'\s>])"
        x = re.sub(link, f"#attachment-{i}", x, count=1)
    plain = PICTURE.sub("…", x)
    large = len(plain) > MAX_RICH or len(re.findall(r"[\[\]*_`<&$\\]", plain)) > MAX_MARKUP
    if large or len(plain.splitlines()) > MAX_LINES or plain.count("\\begin") > MAX_BEGUN:
        return _as_written(plain[:MAX_TEXT])
    page = html(MarkdownWithMath(_Plain(escape=False)).render(
        x.replace("attachment:", "#missing-")))
    for i, (_, kinds) in enumerate(given):
        kind, data = next(iter(kinds.items()))
        address = f'src="data:{kind};base64,{"".join(data.split())}"'
        page = page.replace(f'src="#attachment-{i}"', address, 1)
    return "<div>" + page.replace("\n", "&#10;") + "</div>"


def _as_written(x: str) -> str:
    """A text as HTML that stays as it is, on one line; and nothing in it begins mathematics."""
    page = f"<div><pre>{escape(x)}</pre></div>"
    return page.replace("\n", "&#10;").replace("\\", "&#92;")


def latex(x: str) -> str:
    """TeX that is mathematics, and neither HTML nor an entity of it."""
    x = re.sub(r"&(?=[#\w])", "& ", x).replace("<", r"\lt ").replace(">", r"\gt ")
    x = only_mathematics(x)
    return HIDDEN if tells_a_place(x) else x


def _image(x) -> str | None:
    try:
        decodes = isinstance(x, str) and len(x) < MAX_IMAGE and base64.b64decode(x, validate=False)
        return x if decodes else None
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
            large = len(value) > MAX_RICH or value.count("\\") > MAX_MARKUP
            kept["text/plain" if large else kind] = text(value) if large else latex(text(value))
        elif kind == "text/plain":
            kept[kind] = text(value)
    return kept


def harmless(outputs, room: list[int]) -> list:
    """nbformat outputs of whatever a kernel sent. room: the characters of rich text that are left,
    which it counts down."""
    make, kept, room_of_text = nbformat.v4.new_output, [], MAX_TEXT
    for output in (outputs if isinstance(outputs, list) else [])[:MAX_OUTPUTS]:
        kind = output.get("output_type") if isinstance(output, dict) else None
        if kind == "stream":
            said = text(output.get("text"), max(room_of_text, 0))
            room_of_text -= len(said)
            if said and room_of_text > -100:
                name = "stderr" if output.get("name") == "stderr" else "stdout"
                kept.append(make("stream", name=name, text=said))
        elif kind == "error":
            trace = output.get("traceback")
            lines = [text(x, 2000) for x in (trace if isinstance(trace, list) else [])[:60]]
            said = [text(output.get("ename"), 200), text(output.get("evalue"), 3000)]
            if any(map(tells_a_place, ("".join(said), "".join(lines)))):
                said, lines = ["Error", HIDDEN], [HIDDEN]
            kept.append(make("error", ename=said[0], evalue=said[1], traceback=lines))
        elif kind in ("display_data", "execute_result"):
            if data := _data(output.get("data"), room):
                more = {"execution_count": None} if kind == "execute_result" else {}
                kept.append(make(kind, data=data, **more))
    return kept


def fill(notebook, outputs: list[list[dict]]) -> None:
    """Puts the outputs of the code cells into the notebook, and makes the student's own texts
    harmless."""
    room, rich_room, each, coloured = MAX_NOTEBOOK, [MAX_RICHES], iter(outputs), ALL_COLOURED
    full = nbformat.v4.new_output("stream", name="stdout",
                                  text="… too much output in this notebook …")
    odd = nbformat.v4.new_output("stream", name="stdout", text="… this could not be shown …")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            if role(cell) in ("answer", "extra"):
                coloured -= _quick_to_colour(cell, coloured)
            shown, cell.execution_count = next(each), None
            try:
                seen = room >= 0 or role(cell) == "test"
                cell.outputs = harmless(shown, rich_room) if seen else [full]
            except Exception:                   # no text costs a grade
                if role(cell) == "test":        # whose outputs are the grade
                    raise
                cell.outputs = [odd]
            room -= len(str(cell.outputs))
            if room < 0 and role(cell) != "test":
                cell.outputs = [full]
        elif cell.cell_type == "raw":
            if role(cell) == "extra":
                cell.source = f"<pre>{escape(text(cell.source))}</pre>"
        elif role(cell) == "extra" or (role(cell) == "answer" and _is_changed(cell)):
            said, attachments = text(cell.source), cell.pop("attachments", None)
            try:
                cell.source = markdown(said, attachments)
            except Exception:
                cell.source = _as_written(said)


def _quick_to_colour(cell, room: int) -> int:
    """Makes a student's code such that highlighters are done with it soon: they need the square of
    the time for long stretches of nothing, and minutes for other languages. What is long goes
    without colours. Returns how many characters of `room` it takes."""
    cell.source = re.sub(r"\s{200,}", lambda gap: gap[0][:100] + gap[0][-100:], cell.source)
    slow = re.search(r"%%\w|(!(?!=)|%s[cxy]).{100}|\w{500}", cell.source)   # shells, long numbers
    if len(cell.source) <= min(COLOURED, room) and not slow:
        return len(cell.source)
    cell.metadata["magics_language"] = "text"       # what nbconvert takes the language from
    if re.match(r"\s*%%", cell.source):             # which a magic in front would decide again
        cell.source = "# shown without colours\n" + cell.source
    return 0


def _is_changed(cell) -> bool:
    return marks(cell).get("checksum") != compute_checksum(cell)
