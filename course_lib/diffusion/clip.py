"""Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision"
(CLIP): pictures and captions into one space, where those that belong together lie together.

x: images, y: captions, z_i and z_t their embeddings, unit vectors, as unCLIP calls them.
"""
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import Trainable
from course_lib.data.words import LENGTH, PADDING, Vocabulary


def similarities(z_i: Tensor, z_t: Tensor, scale: Tensor | float) -> Tensor:
    """s(x, y) = scale · z_i(x)ᵀ z_t(y), every image with every caption    CLIP, Figure 3

    z_i: (n, d), z_t: (m, d), unit vectors. Returns (n, m).
    Errors: ValueError for shapes that do not fit.
    """
    if z_i.ndim != 2 or z_t.ndim != 2 or z_i.shape[1] != z_t.shape[1]:
        raise ValueError(f"Expected embeddings (n, d) and (m, d), got {tuple(z_i.shape)} and "
                         f"{tuple(z_t.shape)}.")
    return scale * z_i @ z_t.T


def symmetric_loss(s: Tensor) -> Tensor:
    """½ (−mean log softmax_row(s)_kk − mean log softmax_column(s)_kk), in nats    CLIP, Figure 3

    s: (n, n), row k is an image, column k the caption that belongs to it. At its optimum
    s(x, y) = log p(x, y)/(p(x) p(y)) + c (Oord et al. 2018, Section 2.3). c is one number: the
    rows' half alone would leave a function of x free, the columns' half one of y.
    Errors: ValueError where s is not square.
    """
    if s.ndim != 2 or s.shape[0] != s.shape[1] or not len(s):
        raise ValueError(f"As many captions as images are needed, (n, n), got {tuple(s.shape)}.")
    pairs = torch.arange(len(s), device=s.device)
    return (nnf.cross_entropy(s, pairs) + nnf.cross_entropy(s.T, pairs)) / 2


def contrastive_loss(z_i: Tensor, z_t: Tensor, scale: Tensor | float) -> Tensor:
    """Which caption of the batch belongs to each image, and the reverse    CLIP, Figure 3

    z_i, z_t: (n, d), unit vectors; row k of both belongs together. Returns nats. With L the loss,
    log n − L bounds the mutual information from below (Oord et al. 2018, Section 2.3).
    """
    return symmetric_loss(similarities(z_i, z_t, scale))


def zero_shot(z_i: Tensor, z_t: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    """p(class k | x) = softmax_k(scale · z_iᵀ z_t,k)    CLIP, Section 3.1.2

    z_i: (n, d), images; z_t: (k, d), one prompt a class. Returns (n, k); its argmax is the class,
    whatever the scale.
    """
    return similarities(z_i, z_t, scale).softmax(1)


class CLIP(Trainable):
    """An image and a text encoder, trained on which caption is of which image    CLIP, Figure 3

    image(x): (n, 3, H, W) → (n, d); text(tokens): (n, length) → (n, d). A batch is (x, tokens).
    """

    def __init__(self, image: nn.Module, text: nn.Module, vocabulary: Vocabulary):
        super().__init__()
        self.image, self.text, self.vocabulary = image, text, vocabulary
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    @property
    def scale(self) -> Tensor:
        """exp(logit_scale), 1/temperature, learned, at most 100    CLIP, Section 2.5"""
        return self.logit_scale.clamp(max=math.log(100)).exp()

    def embed_image(self, x: Tensor) -> Tensor:
        """z_i = f(x)/‖f(x)‖, (n, d)    CLIP, Figure 3"""
        return nnf.normalize(self.image(x), dim=1)

    def embed_text(self, y: list[str] | str | Tensor) -> Tensor:
        """z_t = g(y)/‖g(y)‖, (n, d)    CLIP, Figure 3

        y: captions, or their words (n, length) as `vocabulary.encode` gives them.
        """
        if not isinstance(y, Tensor):
            y = self.vocabulary.encode(y, LENGTH)
            y = y[:, (y != PADDING).any(0)]
        return nnf.normalize(self.text(y.to(self.device)), dim=1)

    def loss(self, batch, player: str) -> Tensor:
        """The contrastive loss of a batch of pictures and their captions    CLIP, Figure 3"""
        x, tokens = batch
        with torch.no_grad():                # above the bound `scale` has no gradient to come back
            self.logit_scale.clamp_(max=math.log(100))
        return contrastive_loss(self.embed_image(x), self.embed_text(tokens), self.scale)
