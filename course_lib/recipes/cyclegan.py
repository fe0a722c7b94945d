"""CycleGANs of portraits without ↔ with eyeglasses (it ships), of short ↔ long hair, and of digits
of MNIST ↔ USPS.
"""
from functools import partial

from torch import Tensor

from course_lib.core import History, falling, fit
from course_lib.data import digits, faces
from course_lib.data.domains import unpaired
from course_lib.gan.cyclegan import CycleGAN, cyclegan
from course_lib.recipes import Recipe

# What all portraits of X have, and all of Y.
PORTRAITS = {"eyeglasses": ({"Eyeglasses": False, "Sunglasses": False}, {"Eyeglasses": True}),
             "hair": ({"Long_Hair": False, "Bald": False}, {"Long_Hair": True})}
TASKS = (*PORTRAITS, "digits")


def domains(task: str, split: str = "train") -> tuple[Tensor, Tensor]:
    """(X, Y) of "eyeglasses" (without, with), "hair" (short, long) or "digits" (MNIST, USPS)

    Portraits are 10,000 + 2,000 of each domain, and no person is in both. Errors: ValueError for
    another task or split.
    """
    if task not in TASKS or split not in ("train", "test"):
        raise ValueError(f"The tasks are {', '.join(map(repr, TASKS))}, with the splits "
                         f'"train" and "test"; got {task!r} and {split!r}.')
    if task == "digits":
        return digits("mnist", split).images, digits("usps", split).images
    n, seed = (10_000, 20) if split == "train" else (2000, 30)
    return tuple(faces(n, seed=seed + i, attributes=fixed).images
                 for i, fixed in enumerate(PORTRAITS[task]))


def train(model: CycleGAN, task: str, *, steps: int = 800, seed: int = 0,
          on_step=None) -> History:
    """The run of the lecture, the benchmark and the shipped weights    CycleGAN, Section 4

    Departs from the paper: batches of 16 in place of 1; a rate five times as large, falling over
    the second half alike; Adam with β2 = 0.99 in place of 0.999; the weights are averaged.
    """
    return fit(model, unpaired(*domains(task), size=16), steps=steps, lr=1e-3, betas=(0.5, 0.99),
               ema=0.995, seed=seed, on_step=on_step,
               schedule=falling)


# Patches of portraits are the whole picture: smaller ones draw lenses that do not match.
MODELS = {"eyeglasses": partial(cyclegan, 3, 16, lam_identity=5.0),
          "hair": partial(cyclegan, 3, 16, lam_identity=5.0),
          "digits": partial(cyclegan, 1, 16)}
RECIPES = {
    "cyclegan_eyeglasses": Recipe(MODELS["eyeglasses"], partial(train, task="eyeglasses"),
                                  "CycleGAN, portraits without and with eyeglasses"),
}
