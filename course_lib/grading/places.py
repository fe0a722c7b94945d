"""Where this machine keeps its things, which no text that is shown may tell."""
import base64
import os
import re
import sys
import tempfile
import unicodedata
from html import unescape
from pathlib import Path

from course_lib.grading.sandbox import TOOLBOX

HIDDEN = "… not shown: this names a folder of the machine that grades, in disguise …"
ENCODED = re.compile(r"%([0-9a-f]{2})|\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\u\{0*([0-9a-f]{1,6})\}"
                     r"|\\U000([0-9a-f]{5})|\\([0-7]{2,3})", re.IGNORECASE)
NUMBER = re.compile(r"(&#)0*([0-9]{0,8})[0-9]*")      # of more digits Python makes no number
SLASHES = dict.fromkeys(map(ord, "⁄∕⧸╱⟋"), "/")


def _known() -> list[str]:
    known = [Path(sys.prefix), Path(sys.base_prefix), TOOLBOX.parent, Path.home(),
             Path(tempfile.gettempdir())]
    paths = {name for place in known for name in (str(place), os.path.realpath(place))}
    paths = [path for path in paths if path.count("/") > 1 or path == "/root"]
    return sorted(paths, key=len, reverse=True)


def _plain(paths: list[str]) -> re.Pattern:
    parts = ["/+".join(map(re.escape, path.split("/"))) for path in paths]
    return re.compile(rf"(?<!/)(?:{'|'.join(parts) or '(?!)'})", re.IGNORECASE)     # linear


def _forms(path: str) -> list[str]:
    """What a path looks like reversed, in hexadecimal, and in base64, wherever it begins there."""
    raw = path.encode()
    forms = [path, path[::-1], raw.decode("latin-1"), raw.hex()]     # %C3%A9 is é, byte by byte
    for i, partly in enumerate((0, 2, 3)):
        whole = (len(raw) + i) * 8 // 6             # digits that nothing behind the path changes
        inside = base64.b64encode(b"_" * i + raw).decode()[partly:whole]
        forms += [inside, inside.replace("+", "-").replace("/", "_")]
    return forms


def _bare(x: str) -> str:
    """A text as it reads once it is decoded, without case, and what is between its letters."""
    for _ in range(3):
        decoded = ENCODED.sub(_decoded, unescape(NUMBER.sub(r"\1\2", x)))
        if decoded == x:
            break
        x = decoded
    if not x.isascii():
        x = _without_marks(x)                   # to order many takes the square of the time
        x = _without_marks(unicodedata.normalize("NFKD", x)).translate(SLASHES)
    x = re.sub(r"[\s\x00-\x1f]+", "", x).replace("\\", "/")
    return re.sub(r"/(?:\.?/)+", "/", x).casefold()


def _without_marks(x: str) -> str:
    """Without what is over, under or between letters and takes no room."""
    unseen = lambda c: unicodedata.combining(c) or unicodedata.category(c) in ("Cf", "Mn")
    return x.translate({ord(c): None for c in set(x) if unseen(c)})


def _decoded(found: re.Match) -> str:
    *hexadecimal, octal = found.groups()
    code = int(octal, 8) if octal else int(next(filter(None, hexadecimal)), 16)
    return chr(min(code, sys.maxunicode))


PLACES = _plain(_known())
# what is as short as /root is found too often where nobody meant it
FORMS = [_bare(form) for path in _known() if len(path) > 7 for form in _forms(path)]
DISGUISED = re.compile("|".join(map(re.escape, FORMS)) or r"(?!)")
OTHERS = re.compile(f"[^/{re.escape(''.join(sorted(set().union(*FORMS))))}]+")


def without_places(x: str) -> str:
    """Without what leads to this machine's places in a path; all of a text that names one in
    disguise is left out."""
    x = PLACES.sub("…", x)
    return HIDDEN if tells_a_place(x) else x


def tells_a_place(x: str) -> bool:
    """Whether it names one after all: encoded, spaced out, reversed."""
    return bool(DISGUISED.search(OTHERS.sub("…", _bare(x))))
