"""Writes what students get into a folder with a git history of its own:

    python scripts/bundle.py ../course-for-students

Run again, it brings the folder up to date and adds a commit; nbgitpuller pulls from wherever that
is pushed to. Solutions, hidden tests, checks of exercises, wrong and right answers and the grader
stay here.
"""
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
MAKEFILE = """PYTHON ?= python3
BIN := .venv/bin
lab: $(BIN)/python
	@$(BIN)/python scripts/install.py
	$(BIN)/python -m jupyterlab lectures
$(BIN)/python:
	@$(PYTHON) scripts/install.py --check
	$(PYTHON) -m venv --clear .venv
"""
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
    made = {"Makefile": MAKEFILE, "nbgrader_config.py": CONFIG, "README.md": readme()}
    return found | {name: text.encode() for name, text in made.items()}


def readme() -> str:
    """The README without what is for instructors and contributors."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    sections = re.split(r"(?m)^(?=## )", text)
    kept = [s for s in sections if not re.match(r"## For (instructors|contributors)", s)]
    return re.sub(r"(?m)^.*make test.*\n", "", "".join(kept))


def main(target: Path) -> None:
    if target.exists() and any(target.iterdir()) and not (target / ".git").is_dir():
        sys.exit(f"{target} has files and no git history: give an empty folder, or one that this "
                 "command made.")
    place = target.resolve()
    if place.is_relative_to(ROOT) and not place.is_relative_to(ROOT / "build"):
        sys.exit(f"{target} lies in the course itself; choose a folder outside of it.")
    target.mkdir(parents=True, exist_ok=True)
    git = ["git", "-C", str(target), "-c", "user.name=course", "-c", "user.email=course@localhost"]
    if not (target / ".git").is_dir():
        subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    for old in target.iterdir():
        if old.name != ".git":
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    for name, data in contents().items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    subprocess.run([*git, "add", "-A"], check=True)
    if subprocess.run([*git, "diff", "--cached", "--quiet"]).returncode:
        subprocess.run([*git, "commit", "-q", "-m", "The course as students get it"], check=True)
    print(f"{target} holds what students get. Push it as a repository of its own.")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/student"))
