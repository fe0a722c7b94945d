"""Lectures as a student meets them: in JupyterLab, in a browser, with a slider that moves the
picture."""
import ast
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import nbformat
import pytest
from test_install import install, script

from course_lib.grading.cells import names_in, python

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]
WIDTH = 1400                       # pixels, of the browser
PATIENCE = 300                     # seconds; what takes longer hangs, also on a busy machine
pytestmark = pytest.mark.browser


def names(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell reads before it binds them, and those that it binds."""
    read, bound = set(), set()
    for statement in ast.parse(python(source)).body:
        reads, binds = names_in(ast.unparse(statement))
        first = set() if isinstance(statement, ast.Assign | ast.AugAssign) else binds
        read |= reads - bound - first
        bound |= binds
    return read, bound


def needs(cells: list, last: int) -> list[int]:
    """Which cells must have run for that one: those that bind the names that it reads, and what
    they need."""
    needed, wanted = [], set()
    for i in range(last, -1, -1):
        read, bound = names(cells[i].source) if cells[i].cell_type == "code" else (set(), set())
        if i == last or bound & wanted:
            needed.insert(0, i)
            wanted = wanted - bound | read
    return needed


def with_widget(path: Path, made: str):
    """The lecture with the cells of one such widget only, the one that needs the fewest; nbval
    runs them all. None where it has none."""
    notebook = nbformat.read(path, as_version=4)
    cells = notebook.cells
    code = [i for i, cell in enumerate(cells) if cell.cell_type == "code"]
    widgets = [i for i in code if made in cells[i].source]
    if not widgets:
        return None
    notebook.cells = [cells[i] for i in min((needs(cells, i) for i in widgets), key=len)]
    return notebook


def lectures_with(made: str) -> dict:
    found = {path.stem: with_widget(path, made) for path in sorted(ROOT.glob("lectures/*.ipynb"))}
    return {name: notebook for name, notebook in found.items() if notebook}


SLIDERS, TEXT_BOXES = lectures_with("Slider("), lectures_with("ipywidgets.Text(")
RERUNS = lectures_with("ipywidgets.BoundedFloatText(")
MAKE_LAB = re.search(r"-m (jupyterlab .*)", (ROOT / "Makefile").read_text())[1]
SHOWN = ".jp-OutputArea .widget-output img, .jupyter-widgets-output-area img"

PARTS = ".jp-RenderedHTMLCommon, .jp-OutputArea-output, .cm-scroller"        # they scroll sideways
OVER = """parts => [...document.querySelectorAll('.jp-Cell')].map(cell => Math.max(0,
    ...[...cell.querySelectorAll(parts)].map(part => part.scrollWidth - part.clientWidth)))"""
RAW = ("//*[contains(@class, 'jp-RenderedHTMLCommon')]"
       "//text()[contains(., '$') and not(ancestor::code or ancestor::pre)]")


class Lab:
    """JupyterLab on loopback over a copy of the course, as `make lab` starts it."""

    def __init__(self, folder: Path):
        self.folder, self.token = folder, secrets.token_hex(8)
        shutil.copytree(ROOT / "lectures", folder / "lectures")
        shutil.copytree(ROOT / "benchmarks" / "results", folder / "benchmarks" / "results")
        shutil.copytree(ROOT / "solutions", folder / "solutions")
        shutil.copy(ROOT / "nbgrader_config.py", folder)
        install.write_settings(folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        environment = os.environ | {"OMP_NUM_THREADS": "1", "HOME": str(folder),
                                    "BROWSER": "echo opens %s",
                                    "JUPYTER_CONFIG_DIR": str(folder / "etc" / "jupyter"),
                                    "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
        command = [sys.executable, "-m", *MAKE_LAB.split(), "--allow-root", f"--port={port}",
                   f"--IdentityProvider.token={self.token}"]
        with open(folder / "said", "wb") as said:
            self.server = subprocess.Popen(command, cwd=folder, env=environment, stdout=said,
                                           stderr=subprocess.DEVNULL)

    def ask(self, what: str, method: str = "GET"):
        who = {"Authorization": f"token {self.token}"}
        with urlopen(Request(f"{self.address}/api/{what}", method=method, headers=who)) as answer:
            return json.loads(answer.read() or "null")

    def wait(self) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self.ask("status")
            except OSError:
                assert self.server.poll() is None and time.monotonic() < end, "it does not start"
                time.sleep(0.2)

    def opened(self) -> str:
        """The address that a browser was told to open, which leads to the page."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if words := (self.folder / "said").read_text().split():
                return words[-1]
            time.sleep(0.2)
        raise TimeoutError("no browser was opened")

    def page(self, workspace: str, path: str = "") -> str:
        """Its address. Each test has a workspace of its own, where nothing is open yet."""
        place = f"{workspace}/tree/{path}" if path else workspace
        return f"{self.address}/lab/workspaces/{place}?token={self.token}"

    def end_kernels(self) -> None:
        for kernel in self.ask("kernels"):
            self.ask(f"kernels/{kernel['id']}", "DELETE")

    def close(self) -> None:
        self.server.terminate()
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:              # a busy machine, and nothing here to save
            self.server.kill()
            self.server.wait()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        lab.wait()
        yield lab
    finally:
        lab.close()


@pytest.fixture(scope="module")
def browser(need):
    """Headless Chromium, which keeps JupyterLab's scripts from one page to the next."""
    chromium = need("chromium")
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        patience = PATIENCE * 1000
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS, timeout=patience)
        context = browser.new_context(viewport={"width": WIDTH, "height": 1000})
        context.set_default_timeout(patience)
        yield context
        browser.close()


@pytest.fixture
def page(browser):
    with browser.new_page() as page:
        yield page


def test_make_lab_opens_the_first_lecture_beside_the_course_and_asks_nothing(page, lab):
    assert f"-m {MAKE_LAB}\n" in script("bundle").MAKEFILE
    page.goto(lab.opened())
    page.get_by_role("heading", name="Start here").wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    files = page.locator("#filebrowser")
    for path in sorted(ROOT.glob("lectures/*.ipynb")):
        files.get_by_text(path.name, exact=True).wait_for()
    files.locator(".jp-BreadCrumbs-home").click()
    files.get_by_text("solutions", exact=True).wait_for()
    assert not page.locator(".jp-Dialog, .Toastify__toast").count()
    lab.end_kernels()


def test_there_are_sliders_and_a_text_box():
    found = [*SLIDERS.values(), *TEXT_BOXES.values()]
    assert SLIDERS and TEXT_BOXES and all(2 <= len(notebook.cells) for notebook in found)


def run_all(page, lab, workspace: str, lecture: str, notebook) -> None:
    """Opens those cells of the lecture and runs them."""
    nbformat.write(notebook, lab.folder / "lectures" / f"{lecture}.ipynb")
    page.goto(lab.page(workspace, f"lectures/{lecture}.ipynb"))
    page.wait_for_selector(".jp-Notebook")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()     # without a kernel, nothing runs
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()


def changed(page, read, before) -> bool:
    """Whether what is read becomes something else, in the time that all has."""
    end = time.monotonic() + PATIENCE
    while read() == before and time.monotonic() < end:
        page.wait_for_timeout(100)
    return read() != before


@pytest.mark.parametrize("lecture", SLIDERS)
def test_the_slider_of_a_lecture_moves_its_picture(page, lab, lecture):
    run_all(page, lab, lecture, lecture, SLIDERS[lecture])
    slider = page.locator(".widget-slider .noUi-handle").first
    slider.wait_for(state="attached")
    picture = page.locator(SHOWN).last
    picture.wait_for(state="attached")
    before = picture.get_attribute("src")
    slider.scroll_into_view_if_needed()
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert changed(page, lambda: picture.get_attribute("src"), before), \
        "the slider moved and the picture did not change"
    lab.end_kernels()


@pytest.mark.parametrize("lecture", TEXT_BOXES)
def test_a_caption_that_is_typed_is_drawn(page, lab, lecture):
    run_all(page, lab, f"{lecture}-text", lecture, TEXT_BOXES[lecture])
    box = page.locator(".widget-text input").first
    box.wait_for(state="attached")
    area = page.locator(".jp-OutputArea .widget-output, .jupyter-widgets-output-area").last
    area.locator("img").first.wait_for(state="attached")
    source = lambda: area.evaluate("area => area.querySelector('img')?.src")
    before = source()
    box.scroll_into_view_if_needed()
    box.fill("a bald person with a zebra")
    box.press("Enter")
    assert changed(page, source, before), "a caption was typed and the pictures did not change"
    area.get_by_text("zebra").wait_for()                           # no word of the vocabulary
    area.locator("img").first.wait_for(state="attached")
    before = source()
    page.get_by_role("button", name="draw four more").click()
    assert changed(page, source, before), "the button draws no other pictures"
    box.fill("")
    box.press("Enter")
    area.get_by_text("no word").wait_for()                         # said, and no traceback
    lab.end_kernels()


@pytest.mark.parametrize("lecture", RERUNS)
def test_a_row_is_trained_anew(page, lab, lecture):
    run_all(page, lab, f"{lecture}-rerun", lecture, RERUNS[lecture])
    button = page.get_by_role("button", name="train and draw")
    button.wait_for()
    seconds = page.locator(".widget-text input[type=number]").first
    seconds.fill("1")
    seconds.press("Enter")
    button.scroll_into_view_if_needed()
    button.click()
    area = page.locator(".jp-OutputArea .widget-output, .jupyter-widgets-output-area").last
    area.get_by_text("training DCGAN for 1 s").wait_for()
    area.locator("img").first.wait_for(state="attached")           # twenty digits
    lab.end_kernels()


def may_be_wide(text: str) -> bool:
    """Whether Markdown has a table, code, HTML, or a formula of 90 characters: a sign takes 11
    pixels at most."""
    formulas = re.findall(r"\$\$.+?\$\$|\$[^$]+\$", text, re.DOTALL)
    return bool(re.search(r"(?m)^\||^```|^    |<\w", text)) or any(len(f) > 90 for f in formulas)


def all_that_may_be_wide() -> tuple:
    """A notebook of what may not wrap in all lectures, and the names of the cells that it is from.
    Folded code is open, and pictures, which shrink, are left out."""
    wide = lambda data: "text/html" in data or may_be_wide(data.get("text/markdown", ""))
    whole, names = nbformat.v4.new_notebook(), []
    for path in sorted(ROOT.glob("lectures/*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                cell.outputs = [output for output in cell.outputs if wide(output.get("data", {}))]
                kept = [line for line in cell.source.splitlines() if len(line) > 100]
            else:
                kept = [p for p in re.split(r"\n\s*\n", cell.source) if may_be_wide(p)]
            if kept or cell.get("outputs"):
                names.append(f"{path.stem}, {cell.id}")
                cell.id, cell.metadata = f"cell-{len(names)}", {}
                cell.source = "\n\n".join(kept)
                whole.cells.append(cell)
    return whole, names


def test_nothing_is_wider_than_the_page(page, lab):
    notebook, names = all_that_may_be_wide()
    nbformat.write(notebook, lab.folder / "wide.ipynb")
    settings = lab.folder / "etc/jupyter/lab/user-settings/@jupyterlab/notebook-extension"
    settings.mkdir(parents=True)                # with these, cells out of sight are laid out, too
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    page.goto(lab.page("wide", "wide.ipynb"))
    texts = sum(len(cell.get("outputs", [0])) for cell in notebook.cells)
    page.locator(".jp-RenderedHTMLCommon").nth(texts - 1).wait_for(state="attached")
    page.locator(f"xpath={RAW}/..").first.wait_for(state="detached")
    page.add_style_tag(content="mjx-assistive-mml {display: none}")     # nobody sees it
    wide = dict(zip(names, page.evaluate(OVER, PARTS), strict=True))
    lab.end_kernels()
    assert not {name: pixels for name, pixels in wide.items() if pixels > 1}


def test_formgrader_opens_in_jupyterlab(page, lab):
    page.goto(lab.page("formgrader"))
    page.get_by_role("menuitem", name="Nbgrader", exact=True).click()
    page.get_by_text("Formgrader", exact=True).click()
    page.frame_locator("iframe").get_by_role("heading", name="Manage Assignments").wait_for()
