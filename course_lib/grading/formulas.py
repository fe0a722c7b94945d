"""Formulas as a page holds them without MathJax: TeX in its texts becomes MathML, which browsers
draw by themselves, offline too.

What the library cannot turn, or what is too long, stays readable as its TeX. Only mathematics
(see tex) is handed to it, and of what it makes only known elements and attributes are taken.
"""
import re
from html import unescape
from xml.etree.ElementTree import Element, tostring

from latex2mathml.commands import FUNCTIONS
from latex2mathml.converter import convert_to_element
from latex2mathml.symbols_parser import convert_symbol

from course_lib.grading.tex import only_mathematics

MAX_FORMULA, MAX_FORMULAS = 2_000, 100_000      # characters of one; of all that is looked at,
FORMULA = 50                                    # where one more counts as so many

ELEMENTS = set("math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts "
               "mroot mrow mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder "
               "munderover none".split())
ATTRIBUTES = set("accent accentunder columnalign columnlines columnspacing depth display "
                 "displaystyle fence form height largeop linethickness lspace mathvariant maxsize "
                 "minsize movablelimits notation rowlines rowspacing rspace scriptlevel separator "
                 "stretchy symmetric voffset width".split())
THIN = "0.1667em"
TOKEN = re.compile(r"[-+]?\d?(\.\d{1,6})?(em|ex|px|pt|in|mu|%)?|[a-z-]+")
MAX_VALUE = 100                                 # characters of an attribute, a few tokens

SPELLINGS = {r"\\arg(?![a-zA-Z])": r"\\operatorname{arg}", r"\\(cr|newline)(?![a-zA-Z])": r"\\\\ ",
             r"(\\begin\{alignat(ed)?\*?\})\s*\{\d*\}": r"\1"}
ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([a-zA-Z]+\*?)\}")
ROWS = ("align", "aligned", "alignat", "alignedat", "eqnarray")
CENTRED = ("gather", "gathered", "multline", "subarray")

PIECE = re.compile(r"<!--.*?-->|</?([a-zA-Z][\w-]*)(?:[^<>\"']|\"[^\"]*\"|'[^']*')*+>", re.DOTALL)
BEGIN = re.compile(r"\\\$|\$\$?|\\[(\[]|\\begin\{[a-zA-Z]+\*?\}")
PART = re.compile(r"\\begin\{[a-zA-Z]+\*?\}|\\end\{[a-zA-Z]+\*?\}|\\.|[{}]|\$\$?", re.DOTALL)
NO_TEXT = ("code", "math", "pre", "script", "style", "textarea", "title")


class Odd(ValueError):
    """A formula that stays as it is written."""


def mathml(tex: str, block: bool = False) -> str:
    """A formula as MathML. Errors: Odd."""
    if len(tex) > MAX_FORMULA:
        raise Odd("too long")
    try:
        tex = _as_the_library_knows_it(only_mathematics(tex))
        made = convert_to_element(tex, display="block" if block else "inline")
        del made.attrib["xmlns"]
        for element in made.iter():
            _check(element)
            _space(element)
        return tostring(made, encoding="unicode", short_empty_elements=False)
    except Exception as error:                  # of the library's, and Python's of deep ones
        raise Odd(str(error)) from None


def _as_the_library_knows_it(tex: str) -> str:
    for other, its in SPELLINGS.items():
        tex = re.sub(other, its, tex)
    return ENVIRONMENT.sub(_environment, tex)


def _environment(found: re.Match) -> str:
    name = found[2].removesuffix("*")
    if name == "equation":
        return " "
    if name in ROWS:
        return rf"\{found[1]}{{align*}}"
    if name in CENTRED:
        return rf"\{found[1]}{{matrix}}"
    if name != found[2]:
        raise Odd(f"an unknown environment {found[2]}")
    return found[0]


def _check(element: Element) -> None:
    if element.tag not in ELEMENTS or element.attrib.keys() - ATTRIBUTES:
        raise Odd(f"an unknown element {element.tag}")
    values = element.attrib.values()
    if not all(len(value) <= MAX_VALUE and all(map(TOKEN.fullmatch, value.split(" ")))
               for value in values):
        raise Odd("an odd attribute")
    said = element.text or ""
    if said.startswith("\\"):                   # a bracket whose size is given, or nothing known
        symbol = {r"\{": "7b", r"\}": "7d"}.get(said) or convert_symbol(said)
        if not symbol:
            raise Odd(f"an unknown command {said}")
        said = f"&#x{symbol};"
    element.text = unescape(said)               # the library writes symbols as entities


def _space(row: Element) -> None:
    """Sets functions such as log apart from what is beside them, as TeX does."""
    for i, part in enumerate(row):
        name = part[0] if part.tag in ("msub", "msup", "msubsup", "munder") and len(part) else part
        if name.tag == "mi" and f"\\{name.text}" in FUNCTIONS:
            after = (row[i + 1].text or "") if i + 1 < len(row) else "("
            name.tag = "mo"
            name.set("lspace", THIN if i and row[i - 1].tag != "mo" else "0")
            name.set("rspace", "0" if after in tuple("()[]|,.") else THIN)


def with_formulas(page: str) -> str:
    """The HTML with MathML in the place of the formulas in its texts; code stays as it is."""
    at, silent, depth, room = max(page.find("<body"), 0), "", 0, [MAX_FORMULAS]
    parts = [page[:at]]
    for piece in PIECE.finditer(page, at):
        run, tag = page[at:piece.start()], (piece[1] or "").lower()
        parts += [run if silent else _formulas(run, room), piece[0]]
        if not silent and tag in NO_TEXT and not piece[0].startswith("</"):
            silent, depth = tag, 1
        elif silent and tag == silent:
            depth += -1 if piece[0].startswith("</") else 1
            silent = silent if depth else ""
        at = piece.end()
    return "".join([*parts, page[at:] if silent else _formulas(page[at:], room)])


def _formulas(run: str, room: list[int]) -> str:
    """A text between two tags; `room` counts down."""
    parts, at = [], 0
    while begin := BEGIN.search(run, at):
        parts.append(run[at:begin.start()])
        at = begin.end()
        if begin[0] == r"\$":
            parts.append("$")
            continue
        end = _end(run, begin, room)
        if end is None:
            parts.append(begin[0])
            continue
        environment = begin[0].startswith(r"\begin")
        tex = run[begin.start():end.end()] if environment else run[begin.end():end.start()]
        block = environment or begin[0] in ("$$", r"\[")
        try:
            parts.append(mathml(unescape(tex).strip(), block))
        except Odd:
            parts.append(run[begin.start():end.end()])
        room[0] -= FORMULA
        at = end.end()
    return "".join([*parts, run[at:]])


CLOSE = {"$": "$", "$$": "$$", r"\(": r"\)", r"\[": r"\]"}


def _end(run: str, begin: re.Match, room: list[int]) -> re.Match | None:
    """Where the formula ends that begins there, as MathJax finds it: outside of braces."""
    close = CLOSE.get(begin[0]) or begin[0].replace("begin", "end")
    last, depth = begin.end(), 0
    for part in PART.finditer(run, begin.end(), begin.end() + 5 * MAX_FORMULA):
        room[0] -= part.end() - last
        last = part.end()
        if room[0] < 0:
            return None
        if part[0] == close and depth <= 0:
            return part
        depth += {"{": 1, "}": -1}.get(part[0], 0)
    room[0] -= min(len(run) - last, 5 * MAX_FORMULA)
    return None
