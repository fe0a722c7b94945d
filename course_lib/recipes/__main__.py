"""python -m course_lib.recipes [--all] [name ...]"""
import argparse
import sys

import torch

from course_lib.core import save
from course_lib.recipes import recipes, weights


def table() -> str:
    """What ships: name of the weights, size, what they are of, how to train them anew."""
    rows = [("weights", "kB", "what it is", "to rebuild it")]
    for name, recipe in recipes().items():
        path = weights(name)
        size = f"{path.stat().st_size / 1000:.0f}" if path.exists() else "–"
        rows.append((name, size, recipe.about, f"python -m course_lib.recipes {name}"))
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(n) for cell, n in zip(row, widths)).rstrip() for row in rows]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Trains what is named, from one seed each, and writes the averaged weights; or a table."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.recipes", description=(
        "Trains models that ship with the course, and writes their weights. Unnamed: a table."))
    parser.add_argument("names", nargs="*", metavar="name", help="of the weights, as in the table")
    parser.add_argument("--all", action="store_true", help="all of them")
    chosen = parser.parse_args(arguments)
    known = recipes()
    if unknown := [name for name in chosen.names if name not in known]:
        parser.error(f"there is no recipe for {', '.join(unknown)}; there are {', '.join(known)}.")
    names = list(known) if chosen.all else chosen.names
    if not names:
        print(table())
    for name in names:
        torch.manual_seed(0)
        model = known[name].make()
        known[name].train(model)
        with model.averaged():
            save(model, weights(name))
        print(f"{weights(name)} is written.")


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")       # no name stops a terminal
    main()
