"""What `python -m course_lib.diffusion.unclip` does: it draws a caption, or trains on CelebA."""
import argparse
import re
import sys
from pathlib import Path

import torch
from matplotlib.figure import Figure

from course_lib.recipes.celeba_unclip import UPDATES, pretrained, run
from course_lib.recipes.unclip import faces_unclip
from course_lib.show import grid


def arguments_of(given: list[str] | None) -> argparse.Namespace:
    """The command line. Errors: SystemExit for what does not fit together."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.diffusion.unclip", description=(
        "Draws portraits that show what the caption says, 16 by 16 pixels, enlarged; or trains on "
        "CelebA, in one process or, started by `accelerate launch -m`, in several."))
    parser.add_argument("caption", nargs="?")
    parser.add_argument("--out", type=Path, help="the PNG file; named by the caption unless given")
    parser.add_argument("--n", type=int, default=4, help="how many (4)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--w", type=float, default=1.0, help="guidance (1)")
    parser.add_argument("--steps", type=int, default=25, help="of the decoder (25)")
    parser.add_argument("--weights", type=Path, metavar="FOLDER",
                        help="of what was trained on CelebA; unless given, the portraits that ship")
    parser.add_argument("--celeba", type=Path, metavar="FOLDER",
                        help="CelebA's official files: train on them, and write to --weights")
    parser.add_argument("--updates", type=int, nargs=3, default=list(UPDATES.values()),
                        metavar=("CLIP", "PRIOR", "DECODER"), help="of the training")
    parser.add_argument("--batch", type=int, default=128, help="of the training, a process (128)")
    chosen = parser.parse_args(given)
    if (chosen.caption is None) == (chosen.celeba is None):
        parser.error("give a caption to draw, or --celeba FOLDER to train on.")
    if chosen.celeba and not chosen.weights:
        parser.error("--celeba needs --weights FOLDER, where the weights go.")
    if chosen.n < 1:
        parser.error("--n must be 1 or more.")
    return chosen


def draw(chosen: argparse.Namespace) -> Path:
    """Writes the PNG file. Errors: ValueError for an empty caption, or steps that do not fit."""
    model = pretrained(chosen.weights) if chosen.weights else faces_unclip()
    x = model.sample(chosen.n, y=chosen.caption, w=chosen.w, steps=chosen.steps,
                     generator=torch.Generator().manual_seed(chosen.seed))
    columns = min(4, chosen.n)
    fig = Figure(figsize=(2 * columns, 2 * -(-chosen.n // columns)))      # which needs no screen
    grid(x, columns=columns, ax=fig.subplots(), title="")
    name = re.sub(r"\W+", "_", chosen.caption.lower()).strip("_")[:100] or "portraits"
    out = chosen.out or Path(f"{name}.png")
    fig.savefig(out, dpi=144, bbox_inches="tight")
    return out


def main(given: list[str] | None = None) -> None:
    """The command. Errors: SystemExit, with one line that says why."""
    chosen = arguments_of(given)
    try:
        if chosen.celeba:
            run(chosen.celeba, chosen.weights, updates=dict(zip(UPDATES, chosen.updates)),
                batch=chosen.batch, seed=chosen.seed)
        else:
            print(f"{draw(chosen)} is written.")
    except (ValueError, OSError, ImportError) as error:
        sys.exit(f"{error}")
