"""A split of drawn portraits: combinations of attributes that training never sees."""
import itertools
import random

import torch

from course_lib.data.captions import caption, named
from course_lib.data.faces import ATTRIBUTES, Faces, faces

# Each member alone, and other combinations of it, are seen often.
HELD_OUT = (
    {"Red_Hair": True, "Blue_Hat": True},
    {"Sunglasses": True, "Frowning": True},
    {"Bald": True, "Eyeglasses": True},
    {"Blond_Hair": True, "Violet_Background": True},
    {"Gray_Hair": True, "Dark_Skin": True},
    {"No_Beard": False, "Yellow_Shirt": True},
    {"Black_Hair": True, "Long_Hair": True, "Smiling": True},
    {"Green_Hat": True, "Wearing_Earrings": True, "Long_Hair": True},
)


def seen(n: int, seed: int = 0) -> Faces:
    """Portraits to train on, as `faces` draws them: with none of the combinations HELD_OUT."""
    return faces(n, seed=seed, without=HELD_OUT)


def unseen(n: int, seed: int = 0) -> Faces:
    """Portraits that each have one of HELD_OUT, each of these equally often; captions name it."""
    parts = [faces(-(-n // len(HELD_OUT)), seed=seed * len(HELD_OUT) + k, attributes=dict(held))
             for k, held in enumerate(HELD_OUT)]
    images = torch.stack([part.images for part in parts], 1).flatten(0, 1)[:n]
    attributes = torch.stack([part.attributes for part in parts], 1).flatten(0, 1)[:n]
    rng, known = random.Random(seed), frozenset(ATTRIBUTES)

    def naming(row, held):
        while True:
            said = caption(set(itertools.compress(ATTRIBUTES, row)), known, rng)
            if held.items() <= named(said).items():
                return said

    return Faces(images, attributes, [naming(row, held) for row, held in
                                      zip(attributes.tolist(), itertools.cycle(HELD_OUT))])
