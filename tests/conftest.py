"""What tests share: `need`, for tests that want a program which not everybody has, and the list of those left out."""
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOW = {"chromium": "Chromium (on Debian: apt-get install chromium)"}


@pytest.fixture
def need():
    """need("chromium") gives the program's path, or leaves the test out and says what it needs."""
    def find(program: str) -> str:
        path = shutil.which(program)
        if path is None:
            pytest.skip(f"needs {HOW[program]}")
        return path
    return find


def pytest_collectreport(report):
    pytest_runtest_logreport(report)                   # a whole file that leaves itself out


def pytest_runtest_logreport(report):
    if report.skipped:
        folder = ROOT / ".left-out"
        folder.mkdir(exist_ok=True)
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        with open(folder / str(os.getpid()), "a") as notes:
            notes.write(f"  {report.nodeid}: {why.removeprefix('Skipped: ')}\n")
