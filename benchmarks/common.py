"""What benchmarks share: which of their runs are asked for, and the file that rows go to."""
import argparse
import csv
import datetime
import os
import platform
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"


def chosen(runs: list, about: str) -> list:
    """The runs that the command line asks for, of a list of NamedTuples: all, or those whose fields
    have the values given, as in `--seed 0 1 --steps 20`."""
    parser = argparse.ArgumentParser(description=about,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in runs[0]._asdict().items():
        known = dict.fromkeys(getattr(run, name) for run in runs)
        parser.add_argument(f"--{name}", nargs="+", type=type(value), choices=list(known),
                            help="only the runs with these")
    wanted = vars(parser.parse_args())
    fits = lambda name, value: wanted[name] is None or value in wanted[name]
    return [run for run in runs if all(fits(*field) for field in run._asdict().items())]


def write(name: str, rows: list[dict], keys: tuple[str, ...] = ()) -> None:
    """benchmarks/results/<name>.csv, with what every row needs: machine, threads, torch, date.

    With keys, rows of an earlier run stay, but for those that agree with a new one in all keys.
    """
    where = {"machine": f"{platform.machine()}, {os.cpu_count()} cores",
             "threads": torch.get_num_threads(), "torch": torch.__version__,
             "date": datetime.date.today().isoformat()}
    path, rows = RESULTS / f"{name}.csv", [row | where for row in rows]
    if keys and path.exists():
        with open(path, newline="") as file:
            new = {tuple(str(row[key]) for key in keys) for row in rows}
            old = csv.DictReader(file)
            rows = [row for row in old if tuple(row[key] for key in keys) not in new] + rows
            rows.sort(key=lambda row: [str(row[key]).zfill(9) for key in keys])
    new = path.with_suffix(".new")                  # so that an interrupted run leaves the old one
    with open(new, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(new, path)
