"""Files that are no notebooks, or not quite, and folders that are no students'."""
import io
import json
import os
import zipfile

import nbformat
from course import cell

from attacks import GAME, RIGHT, attack

NAME = "ex01_minimax.ipynb"


def right(notebook):
    cell(notebook, "game_value").source = RIGHT
    return notebook


def text(notebook) -> str:
    return nbformat.writes(right(notebook))


def raw(name: str, content, tries: str, earns: dict | None = None, refused: bool = True) -> None:
    """Registers a submission of one file; content is bytes, or a function of the notebook's JSON as a dict."""
    def hand_in(course, folder, notebook):
        made = content if isinstance(content, bytes) else content(json.loads(text(notebook)))
        (folder / NAME).write_bytes(made if isinstance(made, bytes) else json.dumps(made).encode())
    hand_in.__name__, hand_in.__doc__, hand_in.__module__ = name, tries, __name__
    attack(earns, refused=refused)(hand_in)


def with_source(source):
    def change(d):
        next(c for c in d["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == "game_value")["source"] = source
        return d
    return change


raw("empty", b"", "An empty file.")
raw("half", lambda d: json.dumps(d).encode()[:5000], "JSON that ends in the middle.")
raw("no_json", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "A picture.")
raw("a_list", b"[]", "JSON that is a list.")
raw("deep", b'{"nbformat": 4, "cells": ' + b"[" * 10**6, "JSON nested a million deep.")
raw("huge_integer", b'{"nbformat": 4, "nbformat_minor": ' + b"9" * 10**6 + b', "cells": []}', "A number of a million digits.")
raw("nan_format", b'{"nbformat": NaN, "nbformat_minor": Infinity, "cells": []}', "A format that is no number.")
raw("format_3", lambda d: {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": d["cells"]}]}, "Notebook format 3.")
raw("format_5", lambda d: d | {"nbformat": 5}, "Notebook format 5.")
raw("format_text", lambda d: d | {"nbformat": "4"}, "A format in quotes.")
raw("format_4_99", lambda d: d | {"nbformat_minor": 99}, "A format of the future.")
raw("no_cells", lambda d: {k: d[k] for k in d if k != "cells"}, "No cells.")
raw("cells_null", lambda d: d | {"cells": None}, "Cells that are null.")
raw("cells_numbers", lambda d: d | {"cells": [1, 2]}, "Cells that are numbers.")
raw("cells_too_many", lambda d: d | {"cells": d["cells"] * 100}, "More than a thousand cells.")
raw("source_number", with_source(17), "A source that is a number.")
raw("source_too_long", with_source("#" * (1 << 20) + "x"), "A source of more than a megabyte.")
raw("unknown_cell", lambda d: d | {"cells": [{"cell_type": "heading", "source": "x", "metadata": {}}]}, "A cell of another kind.")
raw("latin_1", lambda d: json.dumps(with_source("x = 'é'")(d), ensure_ascii=False).encode("latin-1", "replace"), "Text in Latin-1.")
raw("utf_16", lambda d: json.dumps(d).encode("utf-16"), "Text in UTF-16.")
raw("empty_cells", lambda d: d | {"cells": []}, "A notebook without one cell.", refused=False)
raw("odd_metadata", lambda d: d | {"metadata": [1], "nbformat_minor": -7,
    "cells": [c | {"metadata": {"nbgrader": []}, "outputs": "x", "attachments": 3, "id": 7} for c in d["cells"]]}, "Metadata of wrong types.", GAME, refused=False)
raw("byte_order_mark", lambda d: b"\xef\xbb\xbf" + json.dumps(d).encode(), "A byte order mark before it.", GAME, refused=False)
raw("surrogates", with_source("x = '\ud800'\n" + RIGHT), "A lone surrogate in an answer.", GAME, refused=False)
raw("nul", with_source("x = '\0'\n" + RIGHT), "A NUL in an answer.", refused=False)
raw("controls", with_source("x = '\x1b[31m\x07\x08'\n" + RIGHT + "print(x)"), "Control characters.", GAME, refused=False)
raw("control_markdown", lambda d: d | {"cells": [c | ({"source": "\0\x1b\ud800\uffff<b>x"} if c["metadata"].get("nbgrader", {}).get("grade_id") == "written" else {})
    for c in d["cells"]]}, "The same in the written answer.", GAME, refused=False)
raw("lines", with_source(["def game_value(D, p, g, pi):\r\n", "    return ", *RIGHT.split("return ")[1:]]), "A source in lines, with other line ends.",
    GAME, refused=False)


@attack(refused=True)
def sparse(course, folder, notebook):
    """A file of 200 MB that takes no room."""
    with open(folder / NAME, "wb") as file:
        file.truncate(200 << 20)


@attack(refused=True)
def link_to_another(course, folder, notebook):
    """A link to another student's notebook."""
    (folder / NAME).symlink_to(f"../../a-victim/ex01_minimax/{NAME}")


@attack(refused=True)
def link_to_master(course, folder, notebook):
    """A link to the instructor's notebook."""
    (folder / NAME).symlink_to(course.folder / "solutions" / course.name / NAME)


@attack(refused=True)
def link_to_gradebook(course, folder, notebook):
    """A link to the gradebook."""
    (folder / NAME).symlink_to("../../../gradebook.db")


@attack(refused=True)
def link_to_etc(course, folder, notebook):
    """A link to /etc/passwd."""
    (folder / NAME).symlink_to("/etc/passwd")


@attack(refused=True)
def link_to_nothing(course, folder, notebook):
    """A link that leads nowhere."""
    (folder / NAME).symlink_to("nowhere")


@attack(refused=True, student="broken-linked_folder")
def linked_folder(course, folder, notebook):
    """A student's folder that is a link to another's."""
    (folder / "broken-linked_folder").symlink_to("a-victim")


@attack(refused=True, student="broken-linked_inside")
def linked_inside(course, folder, notebook):
    """A folder of the exercise that is a link to another's."""
    (folder / "broken-linked_inside").mkdir()
    (folder / "broken-linked_inside" / course.name).symlink_to("../a-victim/ex01_minimax")


@attack(refused=True, student="broken-file_for_folder")
def file_for_folder(course, folder, notebook):
    """A file where the student's folder should be."""
    (folder / "broken-file_for_folder").write_text(text(notebook))


@attack(refused=True, student="broken-file_for_inner")
def file_for_inner(course, folder, notebook):
    """A file where the exercise's folder should be."""
    (folder / "broken-file_for_inner").mkdir()
    (folder / "broken-file_for_inner" / course.name).write_text(text(notebook))


@attack(refused=True)
def pipe(course, folder, notebook):
    """A pipe where the notebook should be."""
    os.mkfifo(folder / NAME)


@attack(refused=True)
def folder_for_file(course, folder, notebook):
    """A folder with the notebook's name."""
    (folder / NAME).mkdir()
    (folder / NAME / NAME).write_text(text(notebook))


@attack(refused=True)
def nothing(course, folder, notebook):
    """An empty folder."""


@attack(refused=True)
def two_names(course, folder, notebook):
    """Two notebooks, and none has the right name."""
    for name in ("one.ipynb", "two.ipynb"):
        (folder / name).write_text(text(notebook))


@attack(refused=True)
def bytes_for_a_name(course, folder, notebook):
    """A folder beside nothing, whose name is no text and which would be taken for a notebook."""
    os.mkdir(os.path.join(os.fsencode(folder), b"\xff\n\x1b[2J.ipynb"))


@attack(refused=True)
def zip_of_two(course, folder, notebook):
    """A zip with two notebooks of the right name."""
    zipped(folder, {f"old/{NAME}": text(notebook), f"new/{NAME}": text(notebook)})


@attack(GAME)
def other_name(course, folder, notebook):
    """One notebook with another name, which is taken."""
    (folder / "<script>alert(1)</script> {0} %s.ipynb".replace("/", "_")).write_text(text(notebook))


@attack(refused=True)
def many_files(course, folder, notebook):
    """Five thousand files, and no notebook."""
    for i in range(5000):
        (folder / f"a{i}").touch()


@attack(GAME)
def odd_timestamp(course, folder, notebook):
    """A timestamp that is none."""
    (folder / "timestamp.txt").write_bytes(b"\xff\x00 9999999-99-99 {} <script>\n" * 9000)
    return RIGHT


@attack(GAME)
def first_timestamp(course, folder, notebook):
    """The first moment that there is."""
    (folder / "timestamp.txt").write_text("0001-01-01 00:00:00 +14:00")
    return RIGHT


@attack(GAME)
def linked_timestamp(course, folder, notebook):
    """A timestamp that is a link to the secret."""
    (folder / "timestamp.txt").symlink_to("../../../secret.txt")
    return RIGHT


def zipped(folder, entries: dict, name: str = "handed in.zip", kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", kind) as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)
    (folder / name).write_bytes(made.getvalue())
    return made.getvalue()


@attack(GAME)
def zip_file(course, folder, notebook):
    """A zip with the notebook in a folder, and with a timestamp, which does not count."""
    zipped(folder, {f"mine/{NAME}": text(notebook), "timestamp.txt": "1999-01-01 00:00:00 UTC", "__MACOSX/._" + NAME: "x"})


@attack(GAME)
def zip_with_ways_out(course, folder, notebook):
    """A zip whose names lead out of the folder."""
    link = zipfile.ZipInfo("link.ipynb.txt")
    link.external_attr = 0o120777 << 16
    zipped(folder, {f"../../../{NAME}": text(notebook), "/etc/evil": "x", "..\\..\\gradebook.db": "x", "../../../gradebook.db": "x",
                    f"../../../solutions/{course.name}/x.txt": "x", link: "../../../secret.txt"})


@attack(refused=True)
def zip_with_link(course, folder, notebook):
    """A zip whose notebook is a link."""
    link = zipfile.ZipInfo(NAME)
    link.external_attr = 0o120777 << 16
    zipped(folder, {link: str(course.folder / "solutions" / course.name / NAME)})


@attack(refused=True)
def zip_bomb(course, folder, notebook):
    """A zip of 2 MB that unpacks to 2 GB."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(NAME, "w", force_zip64=True) as file:
        for _ in range(200):
            file.write(bytes(10 << 20))
    (folder / "x.zip").write_bytes(made.getvalue())


@attack(refused=True)
def zip_of_zip(course, folder, notebook):
    """A zip in a zip."""
    inner = zipped(folder, {NAME: text(notebook)}, "x.zip")
    zipped(folder, {"inner.zip": inner}, "x.zip")


@attack(refused=True)
def two_zips(course, folder, notebook):
    """Two zips."""
    zipped(folder, {NAME: text(notebook)}, "a.zip")
    zipped(folder, {NAME: text(notebook)}, "b.zip")


@attack(refused=True)
def zip_cut_off(course, folder, notebook):
    """A zip without its end."""
    whole = zipped(folder, {NAME: text(notebook)}, "x.zip")
    (folder / "x.zip").write_bytes(whole[:-100])


def damaged(name: str, kind: int, at: int, tries: str) -> None:
    def hand_in(course, folder, notebook):
        whole = bytearray(zipped(folder, {NAME: text(notebook)}, "x.zip", kind))
        whole[at:at + 60] = b"\xff" * 60
        (folder / "x.zip").write_bytes(bytes(whole))
    hand_in.__name__, hand_in.__doc__, hand_in.__module__ = name, tries, __name__
    attack(refused=True)(hand_in)


damaged("zip_bad_deflate", zipfile.ZIP_DEFLATED, 60, "A zip whose deflated data are damaged.")
damaged("zip_bad_bzip2", zipfile.ZIP_BZIP2, 60, "A zip whose bzip2 data are damaged.")
damaged("zip_bad_lzma", zipfile.ZIP_LZMA, 60, "A zip whose LZMA data are damaged.")
damaged("zip_bad_lzma_head", zipfile.ZIP_LZMA, 48, "A zip whose LZMA head is damaged.")
damaged("zip_bad_stored", zipfile.ZIP_STORED, 300, "A zip whose stored data are damaged.")


@attack(refused=True)
def zip_encrypted(course, folder, notebook):
    """A zip that says that it is encrypted."""
    whole = bytearray(zipped(folder, {NAME: text(notebook)}, "x.zip"))
    whole[6] |= 1
    whole[whole.rindex(b"PK\x01\x02") + 8] |= 1
    (folder / "x.zip").write_bytes(bytes(whole))


@attack(refused=True)
def zip_odd_method(course, folder, notebook):
    """A zip with a compression that nobody knows."""
    whole = bytearray(zipped(folder, {NAME: text(notebook)}, "x.zip"))
    whole[8] = 77
    whole[whole.rindex(b"PK\x01\x02") + 10] = 77
    (folder / "x.zip").write_bytes(bytes(whole))


ODD = {"wide": "學" * 84, "braces": "{}", "braces_name": "{student}", "star": "*", "class": "[x]", "newline": "new\nline", "escape": "\x1b[2J\x1b]0;x\x07", "long": "x" * 255,
       "bytes": b"\xff\xfe", "spaces": " ", "dash": "--force", "quote": "x' OR 1=1 --", "percent": "%s%n", "markup": "<script>alert(1)<_script>",
       "underscore": "_", "backslash": "a\\b", "formula": "=cmd|'x'!A1", "right_to_left": "\u202egnp", "semicolon": "a;b", "comma": "a,b"}


def odd_folder(name: str, student, ignored: bool = False) -> None:
    def hand_in(course, folder, notebook):
        place = os.path.join(os.fsencode(folder), os.fsencode(student), os.fsencode(course.name))
        os.makedirs(place)
        with open(os.path.join(place, os.fsencode(NAME)), "w") as file:
            file.write(text(notebook))
    hand_in.__name__, hand_in.__doc__, hand_in.__module__ = f"folder_{name}", f"A student's folder named {student[:20]!r}.", __name__
    attack(student=student, refused=not ignored, ignored=ignored)(hand_in)


for _name, _student in ODD.items():
    odd_folder(_name, _student)
odd_folder("dot", ".hidden", ignored=True)
