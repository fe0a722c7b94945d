"""What formgrader and feedback show of a submission: nothing alive, no TeX but mathematics, no
place of this machine, and soon."""
import base64
import re
import string
import sys
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from exercise import ROOT
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import markdown2html_mistune as markdown2html
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from course_lib.grading import sandbox, tex
from course_lib.grading.formulas import with_formulas
from course_lib.grading.hooks import Feedback
from course_lib.grading.outputs import (
    COLOURED,
    MAX_FORMATTING,
    MAX_MARKUP,
    MAX_RICH,
    MAX_RICHES,
    MAX_TEXT,
    TAGS,
    fill,
    harmless,
    html,
    latex,
    markdown,
    text,
)
from course_lib.grading.places import HIDDEN, without_places


def rich(text: str, kind: str = "text/html") -> dict:
    return {"output_type": "display_data", "data": {kind: text}}


def test_what_is_shown_names_no_place_of_this_machine_and_holds_nothing_alive():
    said = {"output_type": "stream", "name": "stdout",
            "text": f"{sys.prefix}/lib and {sandbox.TOOLBOX}/gan"}
    alive = rich("<b onclick=x()>b</b><script>x()</script>")
    alive["data"]["application/javascript"] = "x()"
    shown = harmless([said, alive, {"output_type": "anything"}, 3], [1000])
    assert len(shown) == 2
    assert not any(place in str(shown) for place in (sys.prefix, str(sandbox.TOOLBOX.parent)))
    assert not any(word in str(shown) for word in ("onclick", "<script", "javascript"))


def test_markdown_and_its_pictures_are_shown():
    page = markdown("*p < q*, $a < b$\n\n[x](javascript:x()) [ok](https://example.org)\n\n\n"
                    "![p](attachment:a.png) ![m](attachment:b.png)",
                    {"a.png": {"image/png": "QUJD"}})
    assert "<em>p &lt; q</em>" in page and "$a &lt; b$" in page and "javascript" not in page
    assert 'href="https://example.org"' in page
    assert "data:image/png;base64,QUJD" in page and "attachment" not in page and "\n" not in page


ALONE = set("br hr img dd del dt ins table tbody td tfoot th thead tr".split())


@pytest.mark.parametrize("given,kept", [
    *((f"<{tag}>x</{tag}>", f"<{tag}>x</{tag}>") for tag in sorted(TAGS - ALONE)),
    ("x<br><hr>", "x<br><hr>"), ("<table><tr><th colspan=2>x</table>",
                                 '<table><tbody><tr><th colspan="2">x</th></tr></tbody></table>'),
    ("<script>x()</script>y", "y"), ("<STYLE>p {}</STYLE>y", "y"), ("<style>y", ""),
    ("<svg onload=x()>", "&lt;svg onload=x()&gt;"), ("p<g, g>p, p<3", "p&lt;g, g&gt;p, p&lt;3"),
    ("<form><input></form>", "&lt;form&gt;&lt;input&gt;&lt;/form&gt;"), ("<!-- x -->y", "y"),
    ('<p style="x" class="x" id="x" onclick="x" title="t">y</p>', '<p title="t">y</p>'),
    ('<p src="#attachment-0" href="#x">y</p>', "<p>y</p>"),
    ('<img src="data:image/png;base64,QUJD">', '<img src="data:image/png;base64,QUJD">'),
    ('<img src="data:image/svg+xml;base64,QUJD">', "<img>"),
    ('<img src="https://example.org/a.png" srcset="a">', "<img>"), ("<img src=a.png>", "<img>"),
    *((f'<a href="{address}">y</a>', f'<a href="{address}">y</a>')
      for address in ("https://example.org", "http://example.org", "mailto:a@b.org", "#x")),
    *((f'<a href="{address}">y</a>', "<a>y</a>")
      for address in ("javascript:x()", "java&#10;script:x()", "data:text/html,x", "file:///etc",
                      "//example.org", "x.html", " javascript:x()")),
    ("<noscript><p title='</noscript><img src=x onerror=x()>'>y</p>",
     "&lt;noscript&gt;<p title=\"&lt;/noscript&gt;&lt;img src=x onerror=x()&gt;\">y</p>"),
])
def test_the_html_that_is_kept(given, kept):
    assert html(given) == kept


def test_rich_text_that_costs_much_is_shown_as_plain_text():
    assert html("<b>x</b>" * MAX_FORMATTING).startswith("<b>")
    assert html("<b>x</b>" * (MAX_FORMATTING + 1)).startswith("<pre>")
    first, second = harmless([rich("<p>one</p>"), rich("<p>two</p>")], [15])
    assert "one" in first["data"]["text/html"] and list(second["data"]) == ["text/plain"]
    assert html("$" + r"\frac{a}" * (MAX_MARKUP + 1) + "$").startswith("<pre>")
    assert text("\x00" * 5 * MAX_TEXT + "x").strip() == "… cut off …"
    given = {"a": {"image/png": "QUJD"}, "b": {"image/png": "REVG"}}
    said = '![](attachment:a) <img src="attachment:b"> ' + "![](attachment:a) " * 50
    page = markdown(said, given)
    assert page.count("QUJD") == 1 and page.count("REVG") == 1


SPELLINGS = [
    r"\href{x}{y}", r"\\href{x}{y}", r"\\\href{x}{y}", "&#92;href{x}{y}", "&#0092;href{x}{y}",
    "&#x5c;href{x}{y}", "&#X5C;href{x}{y}", "&bsol;href{x}{y}", "&#92href{x}{y}", "&#92;\\href{x}",
    "&amp;#92;href{x}{y}", r"\hr<!-- -->ef{x}{y}", r"\hr<wbr>ef{x}{y}", r"\<b></b>href{x}{y}",
    r"\hr<![CDATA[]]>ef{x}", r"\hr<?x?>ef{x}", "\\hr\u00adef{x}{y}", "\\hr\u200bef{x}{y}",
    r"\u005chref{x}{y}", r"\mmlToken{mi}[href=x]{y}", r"\unicode[x,href]{65}", r"\url{x}",
    r"\class{x}{y}", r"\style{x}{y}", r"\cssId{x}{y}", r"\require{html}", r"\def\alpha{\href}",
    r"\let\alpha=\href", r"\csname href\endcsname{x}", r"\newcommand{\pi}{\href{x}{y}}",
    r"\renewcommand\pi{x}", r"\newenvironment{matrix}{\href{x}}{}", r"\Newextarrow{\pi}{1,1}{65}",
    r"\ref{x}", r"\eqref{x}", r"\label{x}", r"\begin{href}x\end{href}",
    r"\begin {html}x\end {html}",
    r"\begin{}x\end{}", r"\begin<b></b>{x}", r"\bbox[border:1px]{x}", r"\color{red}x", r"\HREF{x}",
    r"\rule{9in}{9in}", r"\raise9em{x}", r"\hspace{-9in}", r"\llap{x}", r"\smash{x}", r"\@href{x}",
    r"\hréf{x}", r"\verb|\href|", r"\mathchoice{\href{x}{y}}{}{}{}", r"\text{$\href{x}{y}$}",
    r"\left\href", r"\text\color{red}x", r"\text\\color{red}x", r"\hat\href{x}{y}",
    r"\begin{matrix}a\\\href{x}{y}\end{matrix}",
    r"<math><mi href=x>\href{x}{y}</mi></math>", r"<code title=x>\href{x}{y}</code>",
    r"<code><code>x</code>\href{x}{y}</code>", r"<table><code>\href{x}{y}</code></table>"]
KINDS = ("text/html", "text/markdown", "text/latex")


class Mathematics(HTMLParser):
    """The texts of a page that MathJax reads, and the commands in them."""

    def __init__(self, page: str):
        super().__init__()
        self.text, self.code = "", 0
        self.feed(page)
        self.close()
        known = tex.COMMANDS | {f"{edge}{{{name}}}" for edge in ("begin", "end")
                                for name in tex.ENVIRONMENTS}
        commands = re.findall(r"\\(\\|(?:begin|end)\s*\{[a-z]*\}|[A-Za-z]+)", self.text)
        self.unknown = {command for command in commands if command != "\\"} - known

    def handle_starttag(self, tag, attrs):
        self.text += "\0"                       # no formula goes over a tag
        self.code += tag in ("pre", "code", "script", "style")

    def handle_endtag(self, tag):
        self.code -= tag in ("pre", "code", "script", "style")

    def handle_data(self, data):
        self.text += "" if self.code else data


FORMGRADER = Path(handlers.__file__).parent
STYLES = FORMGRADER / "static/node_modules/bootstrap/dist/css"


def formgrader(notebook) -> str:
    """The page as nbgrader's own exporter makes it."""
    its = {"template_name": "formgrade", "extra_template_basedirs": [handlers.template_path]}
    named = dict.fromkeys(("base_url", "submission_id", "notebook_id", "student"), "x")
    there = {**named, "index": 0, "total": 1, "assignment_id": "x", "notebook_path": "x"}
    return HTMLExporter(config=Config(HTMLExporter=its)).from_notebook_node(notebook, there)[0]


def feedback(notebook) -> str:
    its = {"template_name": "feedback", "extra_template_basedirs": [handlers.template_path],
           "extra_template_paths": [str(STYLES)]}
    there = {"nbgrader": {"notebook": "x", "score": 1, "max_score": 1, "late_penalty": 0}}
    return Feedback(config=Config(HTMLExporter=its)).from_notebook_node(notebook, there)[0]


def filled(code: str = "", texts=(), outputs=()):
    """A notebook of a student's own cells, as it lies in autograded/."""
    make = nbformat.v4
    cells = [make.new_code_cell(code), *map(make.new_markdown_cell, texts),
             *map(make.new_raw_cell, texts)]
    for i, cell in enumerate(cells):
        cell.id = f"extra-{i}"
    notebook = make.new_notebook(cells=cells)
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    fill(notebook, [list(outputs)])
    return notebook


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_tex_but_mathematics_is_left(spelling):
    maths = f"${spelling}$"
    shown = harmless([rich(maths, kind) for kind in KINDS], [1000])
    pages = [next(iter(output["data"].values())) for output in shown] + [markdown(maths)]
    assert len(pages) == 4
    for page in pages:
        assert not Mathematics(page).unknown, page
        assert not re.search(r"\\(href|mmlToken|unicode|def|require)", unescape(page)) \
            or "<code" in spelling


@pytest.mark.parametrize("make", [formgrader, feedback])
def test_no_tex_but_mathematics_is_on_a_page(make):
    maths = [f"${spelling}$" for spelling in SPELLINGS]
    page = make(filled(texts=["\n\n".join(maths)],
                       outputs=[rich(x, kind) for x in maths for kind in KINDS]))
    seen = Mathematics(page)
    assert not seen.unknown
    assert seen.text.replace("\0", "").count("href") > len(SPELLINGS)
    assert not re.search(r"<[^>]*javascript:|onerror=", page)
    assert set(re.findall(r"<math.*?>", page)) <= {'<math display="inline">'}
    assert ("<math" in page) == (make is feedback), "formgrader's has MathJax"


COURSE_TEXTS = [*ROOT.glob("solutions/*/*.ipynb"), *ROOT.glob("lectures/*.ipynb")]


@pytest.mark.parametrize("path", COURSE_TEXTS, ids=lambda path: path.stem)
def test_all_mathematics_of_the_course_stays(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            source = re.sub(r"`[^`]*`", "", cell.source)
            assert tex.only_mathematics(source) == re.sub(r"(\\\\)(?=[a-z])", r"\1 ", source)


@pytest.mark.parametrize("path", COURSE_TEXTS[:9], ids=lambda path: path.stem)
def test_all_formulas_of_the_exercises_are_drawn_without_mathjax(path):
    texts = [cell.source for cell in nbformat.read(path, as_version=4).cells
             if cell.cell_type == "markdown"]
    shown = with_formulas(markdown2html("\n\n".join(texts)))
    assert shown.count("<math") > 20
    left = re.sub(r"(?s)<(math|code|pre)\b.*?</\1>|<[^>]*>", "", shown)
    assert "$" not in left and not re.search(r"\\[a-z]", left)


def test_feedback_is_read_offline():
    page = feedback(filled("x = 1", [r"$\frac{a}{b}$, $\left x$; `$a$` costs \$5"],
                           [rich(r"$$\begin{aligned}a&=b\\c&=d\end{aligned}$$", "text/latex")]))
    assert "<mfrac>" in page and "costs $5" in page
    assert page.count("<mtr>") == 2, "the rows of aligned"
    assert r"$\left x$" in page, "what is no formula is readable as it was written"
    assert "<code>$a$</code>" in page
    assert "<script" not in page and not re.search(r"<link|(src=|url\(|@import).?https?:", page)
    assert "default-src 'none'" in page, "and nothing else is loaded"


@pytest.mark.parametrize("tex", [
    r"\text{<img src=x onerror=x()>}", r"\text{&lt;img src=x onerror=x()&gt;}", "<b>", "&lt;b&gt;",
    r"\text{&amp;#x3c;b>}", r"\operatorname{<b>}", r"\tag{<b>}", r"\Big<b>", r"\left<b\right>"])
def test_a_formula_makes_no_markup(tex):
    shown = re.sub(r"</?m[a-z]+( [a-z]+=\"[\w. -]*\")*>", "", with_formulas(f"${escape(tex)}$"))
    assert "<" not in shown, shown


@pytest.mark.parametrize("tex", [
    r"\rule{9in}{9in}", r"\genfrac{}{}{999in}{1}{a}{b}", r"\unknown", r"\frac", "x" * 5000,
    r"\left(" * 300 + "x" + r"\right)" * 300, "{" * 900 + "x" + "}" * 900, r"\left", "a^b^c",
    r"\def\a{\b\b}\def\b{\c\c}\a", r"\newcommand{\a}[1]{#1#1}\a{\a{x}}", r"\begin{matrix}a"])
def test_what_is_no_formula_or_explodes_is_left_as_text(tex):
    shown = with_formulas(f"<p>${tex}$ and $y$</p>")
    assert shown.endswith("</math></p>") and len(shown) < 30 * (len(tex) + 100)
    assert not re.search(r"style=|href=|\d\d+(in|em)\"", shown)


def test_a_long_attribute_of_a_formula_is_looked_at_once():
    """Where all ways to divide it are tried, it takes longer than a term."""
    said = "$\\genfrac(\\text{" + "pt " * 600 + "!}{0}{a}{b}$"
    assert with_formulas(f"<p>{said} and $y$</p>").startswith(f"<p>{said} and <math")


def test_formulas_take_no_more_than_their_length():
    for unit in ("${", "$a$", r"\begin{matrix}"):
        shown = with_formulas(f"<p>{(unit * MAX_RICHES)[:MAX_RICHES]}</p><p>$x$</p>")
        assert len(shown) < 20 * MAX_RICHES


def test_mathematics_is_shown_as_it_was_written():
    given = r"$$\begin{pmatrix}a & b \\ \alpha & \text{if } x \le 0\end{pmatrix}\tag{1}$$"
    assert given.replace("&", "&amp;") in markdown(given)
    assert latex(r"a < b & \left\{c\\d\right\}") == r"a \lt  b & \left\{c\\ d\right\}"
    page = markdown(r"`C:\new` and" + "\n\n```python\nprint('\\n')\n```\n")
    assert r"<code>C:\new</code>" in page and r"print('\n')" in unescape(page)


def percent(x: str) -> str:
    return "".join(f"%{ord(c):02X}" for c in x)


DISGUISES = {
    "slashes as entities": lambda x: x.replace("/", "&#47;"),
    "named": lambda x: x.replace("/", "&sol;"),
    "all entities": lambda x: "".join(f"&#x{ord(c):x}" for c in x),
    "twice": lambda x: x.replace("/", "&amp;#47;"), "percent": percent,
    "partly percent": lambda x: x.replace("/", "%2f"),
    "percent twice": lambda x: x.replace("/", "%252F"),
    "JSON": lambda x: x.replace("/", r"\/"), "backslashes": lambda x: x.replace("/", "\\"),
    "hex escapes": lambda x: "".join(f"\\x{ord(c):02x}" for c in x),
    "unicode escapes": lambda x: "".join(f"\\u{ord(c):04X}" for c in x),
    "octal": lambda x: "".join(f"\\{ord(c):03o}" for c in x), "reversed": lambda x: x[::-1],
    "hexadecimal": lambda x: x.encode().hex(), "HEXADECIMAL": lambda x: x.encode().hex().upper(),
    "bytes apart": lambda x: x.encode().hex(" "), "doubled": lambda x: x.replace("/", "//"),
    "dots": lambda x: x.replace("/", "/./"), "upper case": str.upper, "spaces": " ".join,
    "lines": "\n".join, "zero width": "\u200b".join, "soft hyphens": "\u00ad".join,
    "strokes": "\u0336".join, "full width": lambda x: "".join(chr(ord(c) + 0xfee0) for c in x),
    "other slashes": lambda x: x.replace("/", "\u2215"),
    "in control characters": "\x07".join, "in colours": "\x1b[1m".join,
} | {f"base64 from {i}": lambda x, i=i: base64.b64encode(b"?" * i + x.encode() + b"/lib").decode()
     for i in range(3)} | {
    "base64 in lines": lambda x: base64.encodebytes((x * 3).encode()).decode(),
    "base64 of the web": lambda x: base64.urlsafe_b64encode(x.encode()).decode()}
HERE = str(sandbox.TOOLBOX.parent)
MOST = len(HERE) - 4


@pytest.mark.parametrize("how", DISGUISES)
@pytest.mark.parametrize("place", [HERE, sys.prefix], ids=["course", "Python"])
def test_no_disguise_lets_a_place_of_this_machine_through(how, place):
    shown = DISGUISES[how](place)
    assert re.fullmatch("…*/?(…/?)*", text(shown)) or text(shown) == HIDDEN
    assert HIDDEN in text(f"At {shown}!") or text(f"At {shown}!") == "At …!"
    error = {"output_type": "error", "ename": f"a{shown}", "evalue": shown, "traceback": [shown]}
    outputs = [rich(f'<b title="{shown}">x</b>'), rich(f"x {shown}", "text/markdown"),
               rich(f"<p>{shown}</p>"), rich(shown, "text/plain"), rich(shown, "text/latex"), error]
    for output in harmless(outputs, [10**6]):
        page = str(output)
        assert shown not in page and shown[:MOST] not in page, output


def test_tags_do_not_hide_a_place_and_honest_texts_stay():
    cut = f"{HERE[:4]}<b></b>{HERE[4:]}"
    assert html(cut) == html(f"<p title='{HERE.replace('/', '&#47;')}'>x</p>") == HIDDEN
    assert HERE[4:] not in markdown(f"{HERE[:4]}**{HERE[4:8]}**{HERE[8:]}")
    for make in (latex, html, markdown):        # TeX that is no mathematics loses its backslash
        for cut in (HERE[:6] + "\\" + HERE[6:], f"${HERE[:6]}\\{HERE[6:]}$"):
            assert HERE not in make(cut)
    picture = "data:image/png;base64,AA"
    page = markdown(f"{sys.prefix}".replace("/.", f"/{picture}.") + "x" * MAX_RICH)
    assert sys.prefix not in page and picture not in page
    said = "a/b, 50% of 2\\3, /usr/bin/python, C:\\new, &amp; http://example.org/%7Eada\n" * 9
    assert without_places(said) == said
    trace = [f'File "{sys.prefix}/lib/x.py", line 3', "ValueError: x"]
    error = {"output_type": "error", "ename": "E", "evalue": "x", "traceback": trace}
    assert harmless([error], [0])[0]["traceback"][0] == 'File "…/lib/x.py", line 3'
    halves = [HERE[:5], HERE[5:]]
    assert harmless([error | {"traceback": halves}], [0])[0]["traceback"] == [HIDDEN]


UNITS = ["/", "/.", "./", "/root", "/work/", f"{HERE[:-1]}/", "&#", "&#x", "&#1", "\\u{0", "%2",
         "\u0316\u0300", "\U0001d165\U0001d16d", "\ufdfa", "\x1b[0", "\\a{b", "\\a ",
         *string.punctuation, *" \n0a"]


@pytest.mark.parametrize("make", [text, latex, without_places])
def test_no_text_takes_more_than_its_length_to_look_through(make):
    """Where it takes the square, one of them needs minutes, or Python refuses the number."""
    for unit in UNITS:
        make((unit * MAX_TEXT)[:MAX_TEXT])
        make((f"&#{unit}" + unit * MAX_TEXT)[:MAX_TEXT])


@pytest.mark.parametrize("make", [html, markdown])
def test_no_rich_text_takes_more_than_its_length(make):
    for unit in UNITS:
        make((unit * MAX_RICH)[:MAX_RICH])


@pytest.mark.parametrize("given", ["a\n\n", "|-|\n", "===\n", "\\begin{equation}"])
def test_markdown_that_takes_the_square_of_the_time_is_shown_as_it_was_written(given):
    page = markdown((given * MAX_RICH)[:MAX_RICH])
    assert page.startswith("<div><pre>") and "\\" not in page and "\n" not in page
    assert "<pre>" not in markdown(given * 90)
    taken = harmless([rich(r"\frac" * MAX_RICH, "text/latex")], [10**6])[0]["data"]
    assert list(taken) == ["text/plain"]


def test_no_text_costs_a_grade(monkeypatch):
    def stop(*_):
        raise RecursionError

    notebook = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_code_cell("x", id="extra-1"),
        nbformat.v4.new_markdown_cell("a\n\\b", id="extra-2")])
    monkeypatch.setattr("course_lib.grading.outputs.html", stop)
    fill(notebook, [[rich("<b>x</b>")]])
    assert "could not be shown" in notebook.cells[0].outputs[0].text
    assert notebook.cells[1].source == "<div><pre>a&#10;&#92;b</pre></div>"
    del notebook.cells[1]
    notebook.cells[0].metadata["nbgrader"] = {"grade": True, "solution": False, "grade_id": "t"}
    with pytest.raises(RecursionError):         # or a test that failed would be one that passed
        fill(notebook, [[rich("<b>x</b>")]])


SLOW = {"perl": "%%perl\n" + "m{" * 9000, "html": "x = 1\n  %%html\n" + "<a " * 9000,
        "latex": "\n%%latex\n" + "$" * 20_000, "long": "a." * 24_000, "R": " %%R\n" + "'\\" * 9000,
        "shell": "!<<" + "a" * 2500, "shell of a magic": "%sx <<" + "a" * 2500,
        "shell behind": "x = ''; !<<" + "a" * 2500, "numbers": "1_" * 4900, "0x": "0x" * 4900}


@pytest.mark.parametrize("name", SLOW)
def test_code_that_takes_long_to_colour_goes_without(name):
    notebook = filled(SLOW[name])
    for make in (formgrader, feedback):
        page = make(notebook)
        code = re.search(r'class="\s*highlight.*?</pre>', page, re.DOTALL)[0]
        assert code.count("<span") <= 2, code[:300]


def test_a_notebooks_code_has_colours_up_to_a_limit_and_fenced_code_none():
    make = nbformat.v4
    cells = [make.new_code_cell("x = 1\n" * 1500, id=f"extra-{i}") for i in range(6)]
    notebook = make.new_notebook(cells=cells)
    fill(notebook, [[]] * 6)
    assert len(cells[0].source) <= COLOURED
    assert ["magics_language" in cell.metadata for cell in cells] == [False] * 4 + [True] * 2
    assert "<span" not in markdown("```python\nx = 1\n```\n\n~~~perl\n$x\n~~~")


ODD = ["<div>" * 1900, "<table><tr><td>" * 600, "<p title='x'>" * 1500, "> " * 2000, "- " * 900,
       "\\" * MAX_RICH, "$" * 1999, "[" * 1999, "<a<" * 900, "&#47;" * 1999, "%2" * 9000,
       "./" * 9000]


@pytest.mark.parametrize("make", [formgrader, feedback])
def test_texts_that_are_deep_or_odd_have_a_page(make):
    shown = [rich(given, kind) for given in ODD for kind in KINDS]
    assert "</html>" in make(filled(texts=ODD, outputs=shown))


def test_a_raw_cell_is_shown_as_it_was_written():
    page = feedback(filled(texts=["<b>x</b> $\\href{x}{y}$\n\nz"]))
    assert "<pre>&lt;b&gt;x&lt;/b&gt; $\\href{x}{y}$\n\nz</pre>" in page
