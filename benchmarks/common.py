"""Writes what was measured: one row a run, with the machine and the date."""
import csv
import datetime
import os
import platform
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"


def write(name: str, rows: list[dict], keys: tuple[str, ...] = ()) -> None:
    """benchmarks/results/<name>.csv, with what every row needs: machine, threads, torch, date.

    With keys, rows of an earlier run stay, but for those that agree with a new one in all keys.
    """
    where = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "threads": torch.get_num_threads(),
             "torch": torch.__version__, "date": datetime.date.today().isoformat()}
    path, rows = RESULTS / f"{name}.csv", [row | where for row in rows]
    if keys and path.exists():
        with open(path, newline="") as file:
            new = {tuple(str(row[key]) for key in keys) for row in rows}
            rows = [row for row in csv.DictReader(file) if tuple(row[key] for key in keys) not in new] + rows
            rows.sort(key=lambda row: [str(row[key]).zfill(9) for key in keys])
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
