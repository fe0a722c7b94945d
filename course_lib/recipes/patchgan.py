"""The pix2pix models that ship: outline of a digit → digit, outline of a portrait → portrait."""
from torch import Tensor

from course_lib.core import History, falling, fit
from course_lib.data import batches, digits, faces, outlines
from course_lib.gan.patchgan import Pix2Pix, pix2pix
from course_lib.recipes import Recipe


def pairs(task: str, split: str = "train") -> tuple[Tensor, Tensor]:
    """(outlines, pictures) of the task "digits", 10,000 + 2,000, or "faces", as many

    Errors: ValueError for another task or split.
    """
    if task not in ("digits", "faces") or split not in ("train", "test"):
        raise ValueError('The tasks are "digits" and "faces", with the splits "train" and "test"; '
                         f"got {task!r} and {split!r}.")
    if task == "digits":
        x = digits(split=split).images
    else:
        x = faces(10_000 if split == "train" else 2000, seed=int(split == "test")).images
    return outlines(x), x


def train_pairs(model: Pix2Pix, task: str, *, steps: int | None = 600,
                seconds: float | None = None, turns=None, seed: int = 0, on_step=None) -> History:
    """The run of the lecture, the benchmark and the shipped weights    pix2pix, Section 3.3

    Departs from the paper: batches of 32 in place of 1 to 10; a rate ten times as large, which
    spectral normalisation bears, and which falls linearly over the second half; Adam with
    β2 = 0.99 in place of 0.999; the weights are averaged.
    """
    return fit(model, batches(*pairs(task), size=32), steps=None if seconds else steps,
               seconds=seconds, lr=2e-3, betas=(0.5, 0.99), ema=0.995, turns=turns, seed=seed,
               on_step=on_step, schedule=falling)


RECIPES = {
    "pix2pix_digits": Recipe(lambda: pix2pix(1, 1, r=10),
                             lambda model: train_pairs(model, "digits", steps=400),
                             "pix2pix, outline of a digit to the digit"),
    "pix2pix_faces": Recipe(lambda: pix2pix(1, 3, r=7, lam=10.0),
                            lambda model: train_pairs(model, "faces", steps=1000),
                            "pix2pix, outline of a portrait to the portrait"),
}
