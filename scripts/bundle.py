"""Writes what students get into a folder with a git history of its own:

    python scripts/bundle.py ../course-for-students

Run again, it brings the folder up to date and adds a commit; nbgitpuller pulls from wherever that
is pushed to. Solutions, hidden tests, checks of exercises, wrong and right answers and the grader
stay here.

Where a student changed a notebook, a merge keeps the student's file whole (ATTRIBUTES): merged by
lines, two notebooks make a third that nobody wrote. So that the course's is not hidden by it, an
update puts each notebook whose cells it changes into updates/<number>/ too, under a path that is
new to everybody. A notebook that the course removes stays as one line: were it deleted, git could
take another that is like it for the same under a new name, and put what a student wrote there.
"""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from course_lib.hidden import unseen

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ["lectures", "exercises", "course_lib", "benchmarks/results", "docs/images"]
FILES = ["environment.yml", "constraints.txt", "pyproject.toml", "LICENSE", "CITATION.cff",
         ".gitignore", "scripts/install.py"]
LEFT_OUT = [r"course_lib/grading/.*", r".*/__pycache__/.*", r".*/\.ipynb_checkpoints/.*",
            r".*\.egg-info/.*"]
MAKEFILE = """ASKED := $(PYTHON)
PYTHON ?= python3
BIN := .venv/bin
lab: setup     # copies of the exercises that are not in my/ yet
	@mkdir -p my
	@for x in exercises/*; do test -e "my/$${x##*/}" || cp -R "$$x" my/ || exit 1; done
	$(BIN)/python -m jupyterlab --ServerApp.root_dir=. lectures/00_start_here.ipynb
update: setup     # as nbgitpuller does it; what you changed stays as you have it
	@git fetch --quiet origin
	@$(BIN)/python -m nbgitpuller.pull "$$(git remote get-url origin)"
	@echo "Notebooks that updates changed lie in updates/ too, as the course has them."
setup: venv
	@$(BIN)/python scripts/install.py
venv:     # made anew for the Python that PYTHON= asks for, after a move, and where it is broken
	@$(if $(ASKED),$(PYTHON) scripts/install.py --check)
	@test -x $(BIN)/python && $(BIN)/python scripts/install.py --fits $(ASKED) || \\
		{ $(PYTHON) scripts/install.py --check && set -x && $(PYTHON) -m venv --clear .venv; }
.PHONY: lab update setup venv
"""
ATTRIBUTES = "*.ipynb -merge\n"
UPDATES = """# What updates of the course changed

Notebooks as the course has them now, a folder an update; the highest number is the newest. You
need one only where you worked in the course's own file: an update leaves that as you have it. Work
in `my/`, on copies of what is in `exercises/`; no update touches `my/`.
"""
GONE = {"cell_type": "markdown", "id": "gone", "metadata": {},
        "source": "The course has this notebook no longer."}
CONFIG = '''"""Validate shows a message whole."""
c = get_config()  # noqa: F821
c.Validator.width = 300
'''


def contents() -> dict[str, bytes]:
    """Path -> bytes of all that students get."""
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*")) if path.is_file()]
    paths += [ROOT / name for name in FILES]
    named = {p.relative_to(ROOT).as_posix(): p for p in paths}
    left = lambda name: unseen(name) or any(re.fullmatch(rule, name) for rule in LEFT_OUT)
    found = {name: p.read_bytes() for name, p in named.items() if not left(name)}
    made = {"Makefile": MAKEFILE, "nbgrader_config.py": CONFIG, "README.md": readme(),
            ".gitattributes": ATTRIBUTES, "updates/README.md": UPDATES}
    return found | {name: text.encode() for name, text in made.items()}


def readme() -> str:
    """The README without what is for instructors and contributors."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    sections = re.split(r"(?m)^(?=## )", text)
    kept = [s for s in sections if not re.match(r"## For (instructors|contributors)", s)]
    return re.sub(r"(?m)^.*make test.*\n", "", "".join(kept))


def changed(target: Path, files: dict[str, bytes]) -> dict[str, bytes]:
    """updates/<number>/path -> bytes of each notebook of `files` whose cells are not those of the
    one in `target`, or that is not there."""
    told = lambda data: [(c["cell_type"], c["source"]) for c in json.loads(data)["cells"]]
    new = [name for name in files if name.endswith(".ipynb") and not ((target / name).is_file()
           and told((target / name).read_bytes()) == told(files[name]))]
    numbers = [int(path.name) for path in target.glob("updates/*") if path.name.isdecimal()]
    return {f"updates/{max(numbers, default=0) + 1}/{name}": files[name] for name in new}


def removed(there: list[str], files: dict[str, bytes]) -> dict[str, bytes]:
    """Path -> bytes of a notebook that says so, for each of `there` that `files` has no longer."""
    line = json.dumps({"cells": [GONE], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    lost = [name for name in there if name not in files and not name.startswith("updates/")]
    return {name: line.encode() for name in lost}


def its_own(target: Path) -> bool:
    """Whether a folder with a git history is a bundle, or holds nothing yet."""
    if all(path.name == ".git" for path in target.iterdir()):
        return True
    about = target / "updates" / "README.md"
    if about.is_file() and about.read_bytes() == UPDATES.encode():
        return True
    who = ["git", "-C", str(target), "log", "-1", "--format=%ce"]
    return subprocess.run(who, capture_output=True).stdout.strip() == b"course@localhost"


def main(target: Path) -> None:
    if target.exists() and any(target.iterdir()) and not (target / ".git").is_dir():
        sys.exit(f"{target} has files and no git history: give an empty folder, or one that this "
                 "command made.")
    place = target.resolve()
    if ROOT.is_relative_to(place):
        sys.exit(f"{target} holds the course itself; choose a folder outside of it.")
    if place.is_relative_to(ROOT) and not place.is_relative_to(ROOT / "build"):
        sys.exit(f"{target} lies in the course itself; choose a folder outside of it.")
    if (target / ".git").is_dir() and not its_own(target):
        sys.exit(f"{target} is another repository, whose files would be replaced: give an empty "
                 "folder, or one that this command made.")
    target.mkdir(parents=True, exist_ok=True)
    git = ["git", "-C", str(target), "-c", "user.name=course", "-c", "user.email=course@localhost"]
    if not (target / ".git").is_dir():
        subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    files = contents()
    listed = subprocess.run([*git, "ls-files", "-z", "*.ipynb"], check=True, capture_output=True)
    if there := listed.stdout.decode().split("\0")[:-1]:
        files |= changed(target, files) | removed(there, files)
    for old in target.iterdir():
        if old.name not in (".git", "updates"):
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    for name, data in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    subprocess.run([*git, "add", "-A"], check=True)
    if subprocess.run([*git, "diff", "--cached", "--quiet"]).returncode:
        subprocess.run([*git, "commit", "-q", "-m", "The course as students get it"], check=True)
    print(f"{target} holds what students get. Push it as a repository of its own.")


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")       # no name stops a terminal
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/student"))
