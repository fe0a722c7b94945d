"""CycleGANs of portraits without ↔ with eyeglasses, of short ↔ long hair, and of digits of MNIST ↔
USPS. All three ship; CelebA's photographs are a call away from whoever has them.
"""
from functools import partial
from pathlib import Path

from torch import Tensor

from course_lib.core import History, falling, fit
from course_lib.data import CELEBA_ATTRIBUTES, celeba, digits, faces
from course_lib.data.domains import by_attribute, unpaired
from course_lib.gan.cyclegan import CycleGAN, cyclegan
from course_lib.nets import OffsetG
from course_lib.recipes import Recipe

# What all portraits of X have, and all of Y.
PORTRAITS = {"eyeglasses": ({"Eyeglasses": False, "Sunglasses": False}, {"Eyeglasses": True}),
             "hair": ({"Long_Hair": False, "Wearing_Hat": False, "Bald": False},
                      {"Long_Hair": True, "Wearing_Hat": False})}
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


def photographs(root: str | Path, attribute: str = "Eyeglasses", split: str = "train", *,
                size: int = 64, most: int = 4000) -> tuple[Tensor, Tensor]:
    """(X, Y): CelebA's pictures without and with the attribute    Liu et al. 2015, Section 5

    root: where the user has its official files; size: a multiple of 16. Up to `most` of each, in
    memory: 4,000 of 64 pixels take 200 MB. Errors: those of `celeba` and `by_attribute`.
    """
    return by_attribute(celeba(root, split, size=size), attribute, names=CELEBA_ATTRIBUTES,
                        most=most)


def train_on(model: CycleGAN, x: Tensor, y: Tensor, *, steps: int = 800, lr_D: float = 1e-3,
             seed: int = 0, on_step=None) -> History:
    """The run of the lecture, the benchmark and the shipped weights    CycleGAN, Section 4

    x, y: pictures of X and of Y. Departs from the paper: batches of 16 in place of 1; a rate five
    times as large (D's may be another), falling over the second half alike; Adam with β2 = 0.99 in
    place of 0.999; the weights are averaged.
    """
    return fit(model, unpaired(x, y, size=16), steps=steps, betas=(0.5, 0.99), ema=0.995,
               lr={"D_X": lr_D, "D_Y": lr_D, "G": 1e-3}, schedule=falling, seed=seed,
               on_step=on_step)


def train(model: CycleGAN, task: str, *, steps: int = 800, lr_D: float = 1e-3, seed: int = 0,
          on_step=None) -> History:
    """`train_on` the domains of a task    CycleGAN, Section 4"""
    return train_on(model, *domains(task), steps=steps, lr_D=lr_D, seed=seed, on_step=on_step)


# Patches of portraits are the whole picture: smaller ones draw lenses that do not match, and mix
# the colours of hair. At lam=10 long hair has specks of other colours; digits move faster at 2.
MODELS = {"eyeglasses": partial(cyclegan, 3, 16, lam_identity=5.0),
          "hair": partial(cyclegan, 3, 16, lam=3.0, lam_identity=1.0),
          "digits": partial(cyclegan, 1, 16, lam=2.0, net=OffsetG),
          "photographs": partial(cyclegan, 3, 34, lam_identity=5.0)}           # of 64 pixels
RECIPES = {
    "cyclegan_eyeglasses": Recipe(MODELS["eyeglasses"], partial(train, task="eyeglasses"),
                                  "CycleGAN, portraits without and with eyeglasses"),
    "cyclegan_hair": Recipe(MODELS["hair"], partial(train, task="hair", steps=2000, lr_D=2e-3),
                            "CycleGAN, portraits with short and with long hair"),
    "cyclegan_digits": Recipe(MODELS["digits"], partial(train, task="digits", steps=1000),
                              "CycleGAN, digits of MNIST and USPS"),
}
