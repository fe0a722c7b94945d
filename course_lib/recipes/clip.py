"""The CLIP of drawn portraits that ships, Radford et al. 2021."""
import torch
from torch import Tensor

from course_lib.core import History, fit, warmup_cosine
from course_lib.data import ATTRIBUTES, Faces, batches
from course_lib.data.faces import described
from course_lib.data.held_out import seen
from course_lib.data.words import UNKNOWN, VOCABULARY
from course_lib.diffusion.clip import CLIP
from course_lib.nets import ImageEncoder, TextTransformer
from course_lib.optim import Muon
from course_lib.recipes import Recipe


class Captioned:
    """Minibatches (…, y): of each row one of its k captions, drawn anew each time."""

    def __init__(self, *tensors: Tensor, size: int):
        self.source = batches(*tensors, size=size)                      # the last: (n, k, …)

    def __iter__(self):
        for *rest, y in self.source:
            yield *rest, y[torch.arange(len(y)), torch.randint(y.shape[1], (len(y),))]


class Worded(Captioned):
    """Minibatches (x, words), in which two words of a hundred are unknown ones."""

    def __iter__(self):
        for x, tokens in super().__iter__():
            hidden = (torch.rand(tokens.shape) < 0.02) & (tokens > UNKNOWN + 1)
            yield x, tokens.masked_fill(hidden, UNKNOWN)


def wordings(data: Faces, k: int) -> Tensor:
    """k captions of each portrait, as words (n, k, length)."""
    drawn = [VOCABULARY.encode(described(data.attributes, ATTRIBUTES, seed)) for seed in range(k)]
    return torch.stack(drawn, 1)


def faces_clip(d: int = 64, size: int = 16) -> CLIP:
    """CLIP of portraits (batch, 3, size, size) and their captions    CLIP, Figure 3"""
    return CLIP(ImageEncoder(d, size=size), TextTransformer(len(VOCABULARY), d), VOCABULARY)


def train_faces(model: CLIP, data: Faces | None = None, *, steps: int = 900, size: int = 256,
                seed: int = 0, k: int = 4, on_step=None) -> History:
    """The run of the shipped weights, on portraits of `seen`    CLIP, Section 2

    Departs from the paper: Muon, batches of 256 and not 32,768; two words of a hundred are hidden
    as unknown ones, so that a user's strange word costs little.
    """
    data = seen(30_000, seed=1) if data is None else data
    return fit(model, Worded(data.images, wordings(data, k), size=size), steps=steps, lr=2e-3,
               betas=(0.9, 0.98), schedule=warmup_cosine(), optimiser=Muon, ema=0.99, seed=seed,
               on_step=on_step)


RECIPES = {"clip_faces": Recipe(faces_clip, train_faces, "CLIP of portraits and captions")}
