"""Lectures as a student meets them: in JupyterLab, in a browser, with a slider that moves the picture."""
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync"]


@pytest.fixture
def lab(tmp_path):
    """JupyterLab on loopback over a copy of the lectures; gives its address with the token."""
    shutil.copytree(ROOT / "lectures", tmp_path / "lectures")
    shutil.copytree(ROOT / "benchmarks" / "results", tmp_path / "benchmarks" / "results")
    shutil.copytree(ROOT / "solutions", tmp_path / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(8)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
                                "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--port={port}",
               f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={tmp_path}"]
    server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(120):
            try:
                json.load(urlopen(f"{address}/api/status?token={token}"))
                break
            except OSError:
                time.sleep(0.5)
        yield address, token
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:                   # a busy machine, and nothing here to save
            server.kill()
            server.wait(20)


@pytest.fixture
def page(need):
    """A page of headless Chromium."""
    chromium = need("chromium")
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser.new_page(viewport={"width": 1300, "height": 1000})
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("lecture, cells", [("01_minimax_game", None), ("06_diffusion", ("imports", "hook", "forward-slider")),
                                            ("07_ddim_and_guidance", ("imports", "hook", "digits-accuracy", "slider"))])
def test_the_slider_of_a_lecture_moves_its_picture(page, lab, tmp_path, lecture, cells):
    """cells: those that the slider needs, where not all of them are run; nbval runs them all."""
    path = tmp_path / "lectures" / f"{lecture}.ipynb"
    if cells:
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = [cell for cell in notebook.cells if cell.id in cells]
        assert len(notebook.cells) == len(cells)
        nbformat.write(notebook, path)
    address, token = lab
    page.goto(f"{address}/lab/tree/lectures/{lecture}.ipynb?token={token}")
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)       # without a kernel, Run All does nothing
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    slider = page.locator(".widget-slider .noUi-handle").first
    slider.wait_for(state="attached", timeout=240_000)
    picture = page.locator(".jp-OutputArea .widget-output img, .jupyter-widgets-output-area img").last
    picture.wait_for(state="attached", timeout=60_000)
    before = picture.get_attribute("src")
    slider.scroll_into_view_if_needed()
    slider.focus()
    page.keyboard.press("ArrowRight")
    for _ in range(120):
        page.wait_for_timeout(500)
        if picture.get_attribute("src") != before:
            break
    assert picture.get_attribute("src") != before, "the slider moved and the picture did not change"


@pytest.mark.browser
def test_formgrader_opens_in_jupyterlab(page, lab):
    address, token = lab
    page.goto(f"{address}/lab?token={token}")
    page.get_by_role("menuitem", name="Nbgrader", exact=True).click(timeout=60_000)
    page.get_by_text("Formgrader", exact=True).click()
    page.frame_locator("iframe").get_by_role("heading", name="Manage Assignments").wait_for(timeout=60_000)
