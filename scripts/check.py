"""What `make test` runs, one step after the other: style, facts, lectures, the grading loop. Fails if any step failed.

The last lines say which tests were left out for want of a program; where CI is set, a test left out is a failure.
"""
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = ROOT / ".left-out"
PYTEST = [sys.executable, "-m", "pytest", "-q"]
WORKERS = ["-n", "2", "--dist", "loadscope"]


def steps(everything: bool) -> dict[str, list[str]]:
    """Name -> command. `everything` adds the tests marked slow."""
    slow = "" if everything else " and not slow"
    return {
        "style": [sys.executable, "-m", "ruff", "check", "."],
        "facts": [*PYTEST, *WORKERS, "-m", f"not loop and not browser{slow}"],
        "lectures": [*PYTEST, "--nbval", "--nbval-cell-timeout=300", *WORKERS, "lectures"],
        "grading and browser": [*PYTEST, *WORKERS, "-m", f"(loop or browser){slow}"],
    }


def main() -> int:
    os.environ.setdefault("OMP_NUM_THREADS", "1")               # two workers on two cores: more threads only wait for each other
    LEFT_OUT.mkdir(exist_ok=True)
    for note in LEFT_OUT.iterdir():
        note.unlink()
    failed = []
    for name, command in steps("--all" in sys.argv[1:]).items():
        print(f"\n{name}: {' '.join(command[2:])}", flush=True)
        start = time.monotonic()
        if subprocess.run(command, cwd=ROOT).returncode:
            failed.append(name)
        print(f"{name} took {time.monotonic() - start:.0f} s", flush=True)
    left_out = sorted({line for note in LEFT_OUT.iterdir() for line in note.read_text().splitlines()})
    if left_out and os.environ.get("CI"):
        failed.append("tests left out, which CI does not allow")
    print("\n" + (f"FAILED: {', '.join(failed)}" if failed else "All steps passed."))
    print("\n".join(["Left out:", *left_out]) if left_out else "No test was left out.")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
