"""What `make test` runs: style; then facts, lectures and the grading loop together, the longest
first, so that no core waits for another.

    python scripts/check.py [--all | --unit ex06]      the slow tests too; one unit's tests only

It fails if any step failed. The last lines say what each unit's tests cost, and which tests were
left out for want of a program; where CI is set, a test left out is a failure.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTES = ROOT / ".left-out"                             # tests/conftest.py writes them
WORKERS = 2
PYTEST = [sys.executable, "-m", "pytest", "-q", "-n", str(WORKERS), "--dist", "loadscope"]
SECONDS = "seconds.jsonl"                           # of each test
PARTS, MOST = ("facts", "lecture", "loop"), 45      # a unit's share of the run, in seconds, at most


def steps(everything: bool, unit: str) -> dict[str, list[str]]:
    """Name -> command."""
    slow = [] if everything else ["-m", "not slow"]
    only = ["--unit", unit] if unit else []
    lectures = sorted(map(str, Path("lectures").glob(f"{unit[2:]}*_*.ipynb")))
    return {"style": [sys.executable, "-m", "ruff", "check", "."],
            "tests": [*PYTEST, *only, *slow, "--nbval", "--nbval-cell-timeout=900",
                      "tests", *lectures]}


def costs() -> list[str]:
    """A table of the seconds that each unit's tests took, and a warning where that is much."""
    spent = Counter()
    for file in NOTES.glob(SECONDS):
        for test in map(json.loads, file.read_text().splitlines()):
            spent[test["unit"] or "shared", test["part"]] += test["seconds"]
    units = sorted({unit for unit, _ in spent}, key=lambda unit: (unit == "shared", unit))
    rows = {unit: [spent[unit, part] for part in PARTS] for unit in units}
    heads = "".join(f"{head:>10}" for head in (*PARTS, "share"))
    table = [f"Seconds of a worker; share: of a run with {WORKERS}".ljust(48) + heads]
    for unit, row in rows.items():
        cells = (*row, sum(row) / WORKERS)
        table.append(f"{unit:48}" + "".join(f"{seconds:10.0f}" for seconds in cells))
    dear = [unit for unit, row in rows.items() if unit != "shared" and sum(row) / WORKERS > MOST]
    return table + ([f"More than {MOST} s: {', '.join(dear)}."] if dear else [])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--all", action="store_true", help="the tests marked slow, too")
    parser.add_argument("--unit", default="", help="what belongs to one unit, such as ex06")
    options = parser.parse_args()
    os.chdir(ROOT)
    os.environ.setdefault("OMP_NUM_THREADS", "1")       # two workers on two cores: more only wait
    os.environ["PYTEST_SECONDS"] = SECONDS
    NOTES.mkdir(exist_ok=True)
    for note in NOTES.iterdir():
        note.unlink()
    failed = []
    for name, command in steps(options.all, options.unit).items():
        print(f"\n{name}: {' '.join(command[2:])}", flush=True)
        start = time.monotonic()
        if subprocess.run(command).returncode:
            failed.append(name)
        print(f"{name} took {time.monotonic() - start:.0f} s", flush=True)
    notes = [note.read_text() for note in NOTES.glob("*.txt")]
    left_out = sorted({line for note in notes for line in note.splitlines()})
    if left_out and os.environ.get("CI"):
        failed.append("tests left out, which CI does not allow")
    print("\n".join(["", *costs()]))
    print("\n" + (f"FAILED: {', '.join(failed)}" if failed else "All steps passed."))
    print("\n".join(["Left out:", *left_out]) if left_out else "No test was left out.")
    return bool(failed)


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")       # no name stops a terminal
    sys.exit(main())
