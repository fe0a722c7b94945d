"""Cells that were moved, deleted, doubled, retyped or re-marked, and texts and outputs with scripts."""
import base64
import sys

import nbformat
from course import cell

from attacks import GAME, RIGHT, WRONG, attack

WHERE = lambda notebook, grade_id: notebook.cells.index(cell(notebook, grade_id))
CODE, MARKDOWN, RAW = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell, nbformat.v4.new_raw_cell


def tests(notebook):
    return [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade") and c.cell_type == "code"]


@attack()
def tests_emptied(course, folder, notebook):
    """Empties all tests."""
    for c in tests(notebook):
        c.source = "2"
    return put(notebook, WRONG)


def put(notebook, source: str, question: str = "game_value"):
    cell(notebook, question).source = source
    return notebook


@attack()
def tests_deleted(course, folder, notebook):
    """Deletes all tests."""
    notebook.cells = [c for c in notebook.cells if c not in tests(notebook)]
    return put(notebook, WRONG)


@attack()
def points_edited(course, folder, notebook):
    """Gives each cell a thousand points, and marks its answers as graded."""
    for c in notebook.cells:
        if "nbgrader" in c.metadata:
            c.metadata.nbgrader |= {"points": 1000, "grade": True, "solution": True, "locked": False, "task": True, "schema_version": 99}
    return put(notebook, WRONG + "2")


@attack()
def grades_off(course, folder, notebook):
    """Takes all of nbgrader's marks off the tests."""
    for c in tests(notebook):
        c.metadata.nbgrader = {"grade": False, "solution": True, "locked": False, "grade_id": c.metadata.nbgrader.grade_id}
    return put(notebook, WRONG)


@attack()
def ids_renamed(course, folder, notebook):
    """Gives a test another id, so that it would be graded twice, or never."""
    cell(notebook, "test_jsd").metadata.nbgrader.grade_id = "test_game_value_2"
    cell(notebook, "test_game_value").metadata.nbgrader.grade_id = "written"
    return put(notebook, WRONG)


@attack()
def ids_swapped(course, folder, notebook):
    """Exchanges the ids of two answers, one of which is right."""
    a, b = cell(notebook, "game_value").metadata.nbgrader, cell(notebook, "jsd").metadata.nbgrader
    put(notebook, RIGHT)
    a.grade_id, b.grade_id = "jsd", "game_value"
    return notebook


@attack()
def ids_odd(course, folder, notebook):
    """Ids that are numbers, lists, and the grader's own."""
    for c, odd in zip(notebook.cells, [5, ["x"], None, {"a": 1}, "rubric-1", "extra-1", "../../x", "", "x" * 10**5] * 9):
        c.metadata.nbgrader = {"grade_id": odd, "grade": True, "points": 9}
    return notebook


@attack(GAME)
def answers_twice(course, folder, notebook):
    """Answers twice under the same id, first right and then wrong; the tests come between."""
    copy = nbformat.from_dict(dict(cell(notebook, "game_value"), id="copy", source=WRONG))
    notebook.cells.append(copy)
    return put(notebook, RIGHT)


@attack(GAME)
def moved(course, folder, notebook):
    """The cells in reverse order."""
    put(notebook, RIGHT)
    notebook.cells = notebook.cells[::-1]
    return notebook


@attack()
def test_is_markdown(course, folder, notebook):
    """A test that is markdown, and an answer that is raw."""
    for grade_id in ("test_game_value", "game_value"):
        i = WHERE(notebook, grade_id)
        notebook.cells[i] = MARKDOWN("2", metadata=notebook.cells[i].metadata)
    return notebook


@attack()
def written_is_code(course, folder, notebook):
    """A written answer that is code, and shows points."""
    i = WHERE(notebook, "written")
    notebook.cells[i] = CODE("import os\nos._exit(0)\n4", metadata=notebook.cells[i].metadata, outputs=[nbformat.v4.new_output("execute_result", data={"text/plain": "4"})])
    return notebook


@attack()
def outputs_there(course, folder, notebook):
    """Hands in tests with outputs that say full points, and a run that ended well."""
    for c in tests(notebook):
        c.outputs, c.execution_count = [nbformat.v4.new_output("execute_result", data={"text/plain": "6"}, execution_count=1)], 1
    notebook.metadata["nbgrader"] = {"score": 35}
    return put(notebook, WRONG)


@attack()
def number_shown(course, folder, notebook):
    """Shows numbers in cells before and after a test."""
    i = WHERE(notebook, "test_proof")
    notebook.cells[i:i] = [CODE("6"), CODE("print(6)"), CODE("import sys\nprint(6, file=sys.stderr)")]
    notebook.cells[i + 4:i + 4] = [CODE("6.0")]
    return put(notebook, "class R:\n    points = 6\nproof = []\nreport = R()\ngrade_proof = lambda *a, **k: R()", "proof")


def proof(name: str, tries: str, source: str) -> None:
    def hand_in(course, folder, notebook):
        return put(notebook, source, "proof")
    hand_in.__name__, hand_in.__doc__, hand_in.__module__ = f"proof_{name}", tries, __name__
    attack()(hand_in)


proof("is_infinite", "Points that are infinite.", "class P(list):\n    points = float('inf')\nproof = P()\nreport = P()")
proof("is_a_function", "A proof that is a function.", "def proof(*a): return 6")
proof("is_a_number", "A proof that is a number.", "proof = 6")
proof("is_a_tensor", "A proof that is a tensor.", "proof = torch.full((6,), 6.0)")
proof("is_a_dict", "A proof that is a dict.", "proof = {'points': 6}")
proof("is_text", "A proof that is one text.", "proof = 'pi*log(pi) + (1-pi)*log(1-pi)'")
proof("is_nested", "A proof of lists, numbers and nothing.", "proof = [[['p']], None, 6, True, (), {'p': 'g'}, torch.zeros(1), b'p' and 'p']")
proof("is_code", "A proof that runs code.",
      "proof = ['__import__(\"os\").system(\"true\")', '(lambda: 6)()', 'p.__class__', '[x for x in p]', 'print(6)', 'p if 1 else g', '\"6\"', 'f\"{p}\"', 'p; g', 'p := g', 'await p', 'sum(*p)', 'sum(p=p)']")
proof("is_odd_text", "Proofs with odd characters.", "proof = ['\\ud800', '\\0', 'p\\n\\n*g', '\\u202ep', 'ｐ', '', ' ', '\\\\', '#', '\\x0c', 'p' * 10 ** 5, '0x10**p', '1_0', '1j', '0777', 'É']")


SCRIPTS = {
    "plain": "<script>alert(1)</script>", "event": "<img src=x onerror=alert(1)>", "frame": "<iframe src='javascript:alert(1)'></iframe><object data=x></object><embed src=x>",
    "svg": "<svg onload=alert(1)><script>alert(1)</script></svg>", "style": "<style>*{display:none}</style><link rel=stylesheet href=http://192.0.2.1/x>",
    "form": "<form action=http://192.0.2.1/><input name=x autofocus onfocus=alert(1)></form>", "link": "<a href='javascript:alert(1)'>x</a><a href='&#106;avascript:alert(1)'>y</a>",
    "base": "<base href=http://192.0.2.1/><meta http-equiv=refresh content='0;url=javascript:alert(1)'>", "broken": "<scr<script>ipt>alert(1)</scr</script>ipt><img/onerror=alert(1)//src=x",
    "comment": "<!--><script>alert(1)</script>--><![CDATA[<script>alert(1)</script>]]>", "math_ml": "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "template": "{{ 7*7 }}{% raw %}</script><script>alert(1)</script>", "title": "</title></textarea></pre></code><script>alert(1)</script>",
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt;<b>&lt;img src=x onerror=alert(1)&gt;</b>",
}
MARKED = {
    "link": "[x](javascript:alert(1)) [x]( JaVaScRiPt:alert(1)) [x](java&#115;cript:alert(1)) [x](&#x6A;avascript:alert(1)) <javascript:alert(1)>",
    "reference": "[x][y] ![x][y]\n\n[y]: javascript:alert(1) \"x\"", "image": "![x](javascript:alert(1)) ![\" onerror=\"alert(1)](x) ![x](x \"\\\" onerror=alert(1)\")",
    "tex": "$\\href{javascript:alert(1)}{x}$ $$\\style{background:url(javascript:alert(1))}{x}$$ \\(\\href{javascript:alert(1)}{x}\\)",
    "tex_hidden": "$\\\\href{javascript:alert(1)}{x}$ $&#92;href{javascript:alert(1)}{x}$ $&#x5C;href{x}{y}$ $&bsol;href{x}{y}$ $\\mmlToken{mi}[href=javascript:alert(1)]{x}$",
    "tex_defined": "$\\def\\alpha{\\href{javascript:alert(1)}{x}} \\let\\pi=\\href \\csname href\\endcsname{x}{y} \\newcommand{\\mu}{\\url{x}} \\text\\color{red} \\\\\\href{x}{y}$ \\begin{html}x\\end{html}",
    "tex_apart": "$\\hr<!-- -->ef{x}{y} \\hr<wbr>ef{x}{y} &amp;#92;href{x}{y} \\u005chref{x}{y} \\begin<b></b>{x} \\label{x} \\ref{x} \\bbox[x]{y} \\verb|\\href| <math><mi href=x>\\href{x}{y}</mi></math>$",
    "slow_fence": "```perl\n" + "m{" * 4000 + "\n```",
    "environment": "\\begin{equation}\\href{javascript:alert(1)}{x}\\end{equation} $\\unicode{<img src=x onerror=alert(1)>}$", "code": "`<script>alert(1)</script>`\n\n    <script>alert(1)</script>\n",
    "fence": "```html\"><script>alert(1)</script>\n<script>alert(1)</script>\n```\n~~~<img src=x onerror=alert(1)>\nx\n~~~", "heading": "# <script>alert(1)</script> \"onclick=alert(1) x=\"\n",
    "split": "<scr\n\nipt>alert(1)</script>\n\n<img src=x\n\nonerror=alert(1)>", "escaped": "\\<script>alert(1)\\</script> &#60;script&#62;alert(1)&#60;/script&#62;",
    "data": "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==) [x](vbscript:x)", "footnote": "[^1]\n\n[^1]: <script>alert(1)</script>", "table": "|a|\n|-|\n|<img src=x onerror=alert(1)>|",
}


def marked(name: str, texts: list[str]) -> None:
    def hand_in(course, folder, notebook):
        put(notebook, "\n\n".join(texts), "written")
        for i, text in enumerate(texts):
            notebook.cells += [MARKDOWN(text), RAW(text), RAW(text, metadata={"raw_mimetype": "text/html", "format": "text/html"}), CODE("# " + text.replace("\n", " "))]
            notebook.cells.append(CODE(f"from IPython.display import *\nx = {text!r}\nfor kind in (HTML, Markdown, Latex, Javascript): display(kind(x))\nprint({i}, x)\ndisplay(x)\n"
                                       "display({'text/html': x, 'image/svg+xml': x, 'application/javascript': x, 'image/png': x, 'application/x-new': x}, raw=True)\nraise ValueError(x)"))
        return notebook
    hand_in.__name__, hand_in.__doc__, hand_in.__module__ = name, f"Scripts in texts and outputs: {str(texts)[:300]}", __name__
    attack(n=len(texts))(hand_in)


for _kind, _texts in (("html", SCRIPTS), ("markdown", MARKED)):
    for _i in range(0, len(_texts), 5):
        marked(f"scripts_in_{_kind}_{_i}", [*_texts.values()][_i:_i + 5])


@attack()
def attachments(course, folder, notebook):
    """Attachments of HTML and SVG, with names that end an attribute."""
    html = base64.b64encode(b"<script>alert(1)</script>").decode()
    c = cell(notebook, "written")
    c.source = "![x](attachment:x.png) ![x](attachment:y\" onerror=\"alert(1)) ![x](attachment:z.svg) [x](attachment:z.html)"
    c.attachments = {"x.png": {"image/png": '" onerror="alert(1)', "text/html": html}, 'y" onerror="alert(1)': {"image/png": html}, "z.svg": {"image/svg+xml": html},
                     "z.html": {"text/html": html}, "w": 7}
    return notebook


@attack()
def attachments_shown(course, folder, notebook):
    """Attachments that are not there, in outputs and in a cell without any."""
    notebook.cells.append(MARKDOWN("![x](attachment:nowhere.png)"))
    return "from IPython.display import Markdown\nMarkdown('![x](attachment:nowhere.png)')"


@attack()
def widgets(course, folder, notebook):
    """State of widgets in the notebook's metadata, and widgets in outputs."""
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {"x": {"state": {"value": "</script><script>alert(1)</script>"}}}, "version_major": 2}}
    notebook.metadata["title"] = "</title><script>alert(1)</script>"
    notebook.metadata["kernelspec"] = {"name": "../../x", "display_name": "<script>alert(1)</script>", "language": "html"}
    notebook.metadata["language_info"] = {"name": "<script>alert(1)</script>", "pygments_lexer": "html", "codemirror_mode": "x"}
    return put(notebook, "import ipywidgets\nipywidgets.HTML('<script>alert(1)</script>')")


PLACE = sys.prefix                             # the sandbox has Python where it is
IN_DISGUISE = [PLACE, PLACE[::-1], PLACE.encode().hex(), PLACE.replace("/", "%2F"), PLACE.replace("/", "\\/"), " ".join(PLACE), "\u200b".join(PLACE),
               "".join(f"\\\\x{ord(c):02x}" for c in PLACE), base64.b64encode(PLACE.encode()).decode()[:-4]]


@attack(never=tuple(IN_DISGUISE))
def places_in_disguise(course, folder, notebook):
    """Shows where Python lies, encoded in many ways, as text, HTML, Markdown, TeX and an error."""
    notebook.cells.append(CODE("""import base64, sys, urllib.parse
from IPython.display import *
p = sys.prefix
told = [p, p[::-1], p.encode().hex(), p.replace("/", "%2F"), p.replace("/", "\\\\/"), " ".join(p), "\\u200b".join(p), "".join("\\\\x%02x" % ord(c) for c in p),
        base64.b64encode(p.encode()).decode(), base64.b64encode(b"1" + p.encode()).decode(), "".join("&#%d;" % ord(c) for c in p), p.replace("/", "&sol;"), p[:4] + "<b></b>" + p[4:]]
for x in told:
    print(x)
    for kind in (HTML, Markdown, Latex, Pretty): display(kind(x))
    display(HTML("<a href='https://x.org/" + x + "' title='" + x + "'>x</a>"))
class E(Exception): pass
E.__name__ = told[5]
raise E(told[10])"""))
    return put(notebook, "import sys\ndef game_value(*a): raise ValueError(sys.prefix[::-1] + ' ' + sys.prefix.replace('/', '%2F'))")


@attack()
def error_with_markup(course, folder, notebook):
    """An error whose name and text hold a script."""
    return "class E(Exception): pass\nE.__name__ = '<script>alert(1)</script>'\ndef game_value(*a): raise E('<img src=x onerror=alert(1)>\\x1b[31m<script>alert(1)</script>')"


@attack()
def assertion_with_markup(course, folder, notebook):
    """An assertion whose text holds a script and a link."""
    return "def game_value(*a): raise AssertionError('<script>alert(1)</script> <a href=javascript:alert(1)>x</a> ' * 99)"
