"""Writes what the documents say of the course's own files: python scripts/docs.py

docs/measurements.md    a section for each script in benchmarks/: its docstring, and its tables
docs/training.md        its tables, each between two marks
README.md               the syllabus, between two marks, from the headers of the notebooks

A benchmark names its results in a constant, TABLES = {"name of a file in results/": ["columns that
tell its rows apart"]}. Rows that agree in these are runs of one thing: the table shows their mean,
and the least and the most of them.
"""
import ast
import csv
import json
import re
import sys
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WHERE, RUN = ("machine", "threads", "torch", "date"), ("seed", "model")
HEAD = """# Measurements

Made by `make docs` from `benchmarks/results`; each script in `benchmarks/` measures what its
section says, and `make bench` runs them all. A cell is the mean over the runs, with the least and
the most in brackets where they differ.
"""
BEGIN, END = "<!-- syllabus: make docs -->", "<!-- end -->"


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def shown(x: float) -> str:
    """Four significant digits at most, whole numbers with commas."""
    return f"{x:,.0f}" if abs(x) >= 1000 or x == int(x) else f"{x:.3g}"


def cell(texts: list[str]) -> str:
    """What one column says of several runs."""
    values = [number(text) for text in texts]
    if None in values:
        return ", ".join(dict.fromkeys(text or "–" for text in texts))
    mean, least, most = map(shown, (sum(values) / len(values), min(values), max(values)))
    return mean if len(set(values)) == 1 else f"{mean} ({least} … {most})"


def table(path: Path, keys: list[str]) -> str:
    """A file of results as Markdown, and where and when it was measured."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in rows[0] if name not in (*keys, *WHERE, *RUN)]
    order = lambda row: [(number(row[key]) or 0, row[key]) for key in keys]
    line = lambda cells: f"| {' | '.join(cells)} |"
    lines = [line([*keys, "runs", *columns]), line(["---"] * (len(keys) + 1 + len(columns)))]
    for _, group in groupby(sorted(rows, key=order), key=order):
        runs = list(group)
        texts = [*([runs[0][key]] for key in keys), [str(len(runs))],
                 *([row[name] for row in runs] for name in columns)]
        lines.append(line(map(cell, texts)))
    where = "{machine}, threads: {threads}, torch {torch}, {date}"
    machines = sorted({where.format(**row) for row in rows})
    return "\n".join([f"`{path.relative_to(ROOT)}`", "", *lines, "", f"*{'; '.join(machines)}*"])


def tables(script: Path) -> dict[str, list[str]]:
    """The constant TABLES of a benchmark, which is not run."""
    for node in ast.parse(script.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "TABLES":
            return ast.literal_eval(node.value)
    return {}


def measurements() -> str:
    parts = [HEAD]
    for script in sorted((ROOT / "benchmarks").glob("*.py")):
        if written := tables(script):
            about = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
            parts += [f"## {script.stem}\n", f"{about}\n"]
            results = ROOT / "benchmarks" / "results"
            parts += [table(results / f"{name}.csv", keys) + "\n" for name, keys in written.items()]
    return "\n".join(parts)


def training() -> str:
    """docs/training.md: after each <!-- results: name --> the table of that name, made anew."""
    keys = {name: by for script in (ROOT / "benchmarks").glob("*.py")
            for name, by in tables(script).items()}
    made = lambda m: "\n\n".join([m[1], table(
        ROOT / "benchmarks" / "results" / f"{m[2]}.csv", keys[m[2]]), END])
    return re.sub(f"(?s)(<!-- results: (\\w+) -->).*?{END}", made,
                  (ROOT / "docs" / "training.md").read_text(encoding="utf-8"))


def header(notebook: Path) -> str:
    """The first cell of a notebook, and so its header."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "".join(cells[0]["source"])


def syllabus() -> str:
    """A row a lecture: minutes to read and to run, and beside the last of its unit the exercise,
    its points and hours."""
    rows = ["| lecture | read, run | exercise | time, points |", "| --- | --- | --- | --- |"]
    exercises = {path.stem[2:4]: path for path in (ROOT / "exercises").glob("ex*/*.ipynb")}
    lectures = sorted((ROOT / "lectures").glob("*.ipynb"))
    last = {path.stem[:2]: path for path in lectures}
    for path in lectures:
        head = header(path)
        title = re.search(r"^# (?:\d+\w? · )?(.*)", head)[1]
        minutes = re.search(r"\*(?:About )?(\w+) minutes to read, ([\w ]+?) to run", head)
        read, run = minutes.groups()
        row = [f"[`{path.stem}`](lectures/{path.name}): {title}", f"{read.lower()} min, {run}"]
        unit = exercises.get(path.stem[:2])
        if unit and last[path.stem[:2]] == path:
            total = re.search(r"\*\*(\d+) points, (?:about )?(.*?)\.\*\*", header(unit))
            points, hours = total.groups()
            row += [f"[`{unit.stem}`](exercises/{unit.stem})", f"{hours}, {points} points"]
        rows.append(f"| {' | '.join([*row, '–', '–'][:4])} |")
    return "\n".join(rows)


def readme() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    before, _, after = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{syllabus()}\n\n{END}{after.partition(END)[2]}"


def documents() -> dict[Path, str]:
    """Path -> what belongs there."""
    return {ROOT / "docs" / "measurements.md": measurements(),
            ROOT / "docs" / "training.md": training(), ROOT / "README.md": readme()}


if __name__ == "__main__":
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT), file=sys.stderr)
