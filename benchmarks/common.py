"""Writes what was measured: one row a run, with the machine and the date."""
import csv
import datetime
import os
import platform
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"


def write(name: str, rows: list[dict]) -> None:
    """benchmarks/results/<name>.csv, with what every row needs: machine, threads, torch, date."""
    where = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "threads": torch.get_num_threads(),
             "torch": torch.__version__, "date": datetime.date.today().isoformat()}
    with open(RESULTS / f"{name}.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], *where], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | where for row in rows)
