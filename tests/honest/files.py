"""Unusual files, and notebooks that an editor or a student has rearranged."""
import copy
import io
import zipfile

from course import cell
from nbformat.v4 import new_code_cell, new_output

from honest import AS, NAME, answer, before, place, saved, unusual


def zipped(*files: tuple[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return stream.getvalue()


@unusual
def windows_line_ends(nb):
    for c in nb.cells:
        c.source = c.source.replace("\n", "\r\n")
    return saved(nb, indent=1).replace(b"\n", b"\r\n")


@unusual
def byte_order_mark(nb):
    return b"\xef\xbb\xbf" + saved(nb, ensure_ascii=False)


@unusual
def renamed(nb):
    return "my solution (2) final.ipynb", saved(nb)


@unusual
def in_a_zip(nb):
    return "homework.zip", zipped((f"homework/{NAME}.ipynb", saved(nb)), (f"__MACOSX/homework/._{NAME}.ipynb", b"\0"),
                                  ("timestamp.txt", b"1999-01-01 00:00:00 UTC"))


@unusual
def without_cell_ids(nb):
    nb.nbformat_minor = 4
    for c in nb.cells:
        del c["id"]
    return saved(nb)


@unusual
def other_cell_ids_and_metadata(nb):
    for i, c in enumerate(nb.cells):
        c.id = f"cell{i}"
        c.metadata |= {"colab": {"base_uri": "x"}, "vscode": {"languageId": "python"}, "scrolled": True, "collapsed": False}
    nb.metadata |= {"colab": {"provenance": []}, "accelerator": "GPU", "kernelspec": {"name": "conda-env-dl", "display_name": "dl"}}


@unusual
def stored_outputs(nb):
    for c in nb.cells:
        if c.cell_type == "code":
            c.outputs, c.execution_count = [new_output("display_data", data={"image/png": "A" * 600_000, "text/html": "<script>1</script>"}), new_output("stream", name="stderr", text="old")], 7


@unusual
def setup_cell_with_an_import(nb):
    cell(nb, "setup").source += "\nimport numpy as np"
    c = cell(nb, "jsd")
    c.source = "SMALLEST = np.finfo(float).tiny\n" + c.source


@unusual
def answer_twice_first_blank(nb):
    right = copy.deepcopy(cell(nb, "jsd"))
    answer(nb, "jsd", "def jsd(p, g, pi):\n    raise NotImplementedError")
    before(nb, "test_jsd", right)


@unusual
def copies_of_cells(nb):
    before(nb, "test_jsd", copy.deepcopy(cell(nb, "jsd")))
    nb.cells.append(copy.deepcopy(cell(nb, "test_jsd")))
    nb.cells.append(copy.deepcopy(cell(nb, "setup")))


@unusual
def deleted_test_and_pictures(nb):
    nb.cells = [c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") != "test_jsd" and not c.id.endswith("picture")]


@unusual
def moved_cells(nb):
    c = cell(nb, "density_ratio")
    nb.cells.remove(c)
    nb.cells.insert(2, c)


@unusual
def folder_in_a_zip_with_checkpoints(nb):
    checkpoint = b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}'
    return "Homework.zip", zipped(("hw/", b""), ("hw/mine.ipynb", saved(nb)), ("hw/.ipynb_checkpoints/mine-checkpoint.ipynb", checkpoint), ("hw/plot.png", b"x"))


@unusual
def zip_from_a_mac_or_a_memory_stick(nb):
    return "x.zip", zipped(("hw/mine.ipynb", saved(nb)), ("hw/._mine.ipynb", b"\0\5\26\7"), ("hw/.DS_Store", b"x"))


@unusual
def zip_in_capitals(nb):
    return "HOMEWORK.ZIP", zipped((f"{NAME}.ipynb", saved(nb)))


@unusual
def named_in_capitals(nb):
    return f"{NAME}.IPYNB".upper(), saved(nb)


@unusual
def marks_of_nbgrader_lost(nb):
    for c in nb.cells:
        c.metadata = {}
    nb.metadata = {}


@unusual
def cells_split_by_the_editor(nb):
    at = place(nb, "game_value")
    half = copy.deepcopy(nb.cells[at])
    half.source, half.id = "def xlog(p, q):\n    return torch.xlogy(p, q)", "half"
    nb.cells[at].source = nb.cells[at].source.replace("torch.xlogy", "xlog")
    nb.cells.insert(at, half)


@unusual
def answer_and_test_merged(nb):
    at = place(nb, "game_value")
    nb.cells[at].source += "\n\n" + nb.cells.pop(at + 1).source.split("### BEGIN HIDDEN")[0]


@unusual
def question_moved_to_the_end_with_its_helper(nb):
    at = place(nb, "game_value")
    mine, test = nb.cells[at:at + 2]
    del nb.cells[at:at + 2]
    mine.source = mine.source.replace("torch.xlogy", "xlog")
    nb.cells += [new_code_cell("xlog = torch.xlogy"), new_code_cell("def double(x):\n    return 2 * x"), mine, test]


@unusual
def tests_and_texts_edited(nb):
    for c in nb.cells:
        if c.metadata.get("nbgrader", {}).get("grade_id", "").startswith("test_"):
            c.source = "print('my remark')\n" + c.source + "\n0"
        elif c.cell_type == "markdown":
            c.source += "\n\n*read*"


@unusual
def texts_deleted(nb):
    nb.cells = [c for c in nb.cells if c.cell_type == "code" and "nbgrader" in c.metadata]


@unusual
def name_with_umlauts(nb): ...


@unusual
def name_is_an_address(nb): ...


@unusual
def name_with_an_apostrophe(nb): ...


AS |= {"name_with_umlauts": "Müller Zoë-Ågot", "name_is_an_address": "a.b+c_1@uni-x.de", "name_with_an_apostrophe": "O'Brien"}
