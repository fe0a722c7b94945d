"""Unsupervised domain adaptation behind one call: labels of a source, pictures alone of a target.

`adapt(method, source, labels, target)` gives a classifier of the target. All that train networks
share one form of classifier and one way of augmenting pictures.
"""
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import Trainable, fit, warmup_cosine
from course_lib.data.adaptation import Domains, check_source_and_target
from course_lib.gan.cogan import CoGANClassifier
from course_lib.gan.dann import DANN
from course_lib.gan.dtn import DTN
from course_lib.gan.subspace import aligned, nearest_label
from course_lib.gan.unit import UNITClassifier
from course_lib.nets import CoupledD, CoupledE, CoupledG, VectorG, mlp


class SourceOnly(Trainable):
    """−log p(y | x) of the source alone, in nats    Bishop 2006, eq. 4.108"""

    def __init__(self, D: nn.Module):
        super().__init__()
        self.D = D

    def loss(self, batch, player: str) -> Tensor:
        (x, y), _ = batch
        return nnf.cross_entropy(self.D.classify(x, 0), y)


@dataclass
class Adapted:
    """A classifier of the target: called with pictures it gives their classes, (n,)."""

    scores: Callable[[Tensor], Tensor]               # (n, C, H, W) → (n, classes)
    model: Trainable | None = None                   # what was trained, if anything

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        with self.model.averaged() if self.model else contextlib.nullcontext():
            return torch.cat([self.scores(part).argmax(1) for part in x.split(500)])


def nearest(x: Tensor, known: Tensor, labels: Tensor, classes: int) -> Tensor:
    return nnf.one_hot(nearest_label(x, known, labels), classes)


def discriminator(domains: int, source: Tensor, classes: int) -> CoupledD:
    """The classifier of all methods; the low layers of its domains start alike."""
    D = CoupledD(domains, *source.shape[1:3], classes)
    for low in D.low:
        low.load_state_dict(D.low[0].state_dict())
    return D.to(memory_format=torch.channels_last)   # the same numbers, a third faster on a CPU


def source_only(source: Tensor, labels: Tensor, target: Tensor, classes: int, train) -> Adapted:
    """The bar: what the source alone teaches, asked about the target."""
    D = discriminator(1, source, classes)
    model = train(SourceOnly(D), Domains(source, labels, target))
    return Adapted(lambda x: D.classify(x, 0), model)


def sa(source: Tensor, labels: Tensor, target: Tensor, classes: int, train) -> Adapted:
    """Pixels, 40 directions, the nearest neighbour; nothing is trained    SA, Sections 3 and 4"""
    of_source, of_target = aligned(source.flatten(1), target.flatten(1),
                                   min(40, len(source), len(target)))
    known = of_source(source.flatten(1))
    return Adapted(lambda x: nearest(of_target(x.flatten(1)), known, labels, classes))


def dann(source: Tensor, labels: Tensor, target: Tensor, classes: int, train) -> Adapted:
    """One network for both domains, features that hide the domain    DANN, Section 4"""
    D = discriminator(1, source, classes)
    model = train(DANN(D, mlp(D.n_h, 64, 1)), Domains(source, labels, target))
    return Adapted(lambda x: D.classify(x, 0), model)


def dtn(source: Tensor, labels: Tensor, target: Tensor, classes: int, train) -> Adapted:
    """f on the source's labels, then g, then the neighbour among g(f(source))    DTN, Section 5"""
    D = discriminator(1, source, classes)
    first = train(SourceOnly(D), Domains(source, labels, target))
    first.load_state_dict(first.ema)
    f = nn.Sequential(D.low[0], D.high).requires_grad_(False)
    H, G = VectorG(D.n_h, 8, source.shape[2] // 4), CoupledG(1, source.shape[1])
    D = discriminator(1, source, 3)
    model = DTN(f, nn.Sequential(H, G.high, G.low[0]), nn.Sequential(D.low[0], D.high, D.classes))
    train(model, Domains(source, labels, target))
    known = torch.cat([model.translate(part) for part in source.split(500)]).flatten(1)
    return Adapted(lambda x: nearest(x.flatten(1), known, labels, classes), model)


def cogan(source: Tensor, labels: Tensor, target: Tensor, classes: int, train) -> Adapted:
    """The head of D, behind the low layers of the target    CoGAN, Section 5"""
    D = discriminator(2, source, classes)
    H, G = VectorG(64, 8, source.shape[2] // 4), CoupledG(2, source.shape[1])
    model = train(CoGANClassifier(H, G, D), Domains(source, labels, target))
    return Adapted(lambda x: D.classify(x, 1), model)


def unit(source: Tensor, labels: Tensor, target: Tensor, classes: int, train) -> Adapted:
    """The head of D, behind the low layers of the target    UNIT, "Domain Adaptation" """
    D = discriminator(2, source, classes)
    E, G = CoupledE(2, source.shape[1]), CoupledG(2, source.shape[1])
    model = train(UNITClassifier(E, G, D), Domains(source, labels, target))
    return Adapted(lambda x: D.classify(x, 1), model)


# how each is trained: steps that take two CPU minutes at most, and Adam's rate
METHODS = {"source only": (source_only, 1500, 1e-3), "SA": (sa, 0, 0.0),
           "DANN": (dann, 1500, 1e-3), "DTN": (dtn, 1500, 2e-3),
           "CoGAN": (cogan, 1500, 2e-3), "UNIT": (unit, 1500, 2e-3)}


def adapt(method: str, source: Tensor, labels: Tensor, target: Tensor, *, steps: int | None = None,
          seconds: float | None = None, seed: int = 0) -> Adapted:
    """A classifier of the target, from the source's labels    UNIT, "Domain Adaptation"

    method: one of METHODS. source, target: pictures (n, C, H, W), (m, C, H, W), with H = W, which 4
    divides; labels (n,): classes from 0. steps or seconds: of each training (DTN has two); by
    default the method's own. Returns images (k, C, H, W) → classes (k,). Nothing here takes a
    label of the target. Errors: ValueError for an unknown method, an empty domain, domains of
    other channels or sides, and labels that are not one a picture.
    """
    if method not in METHODS:
        raise ValueError(f"There is no method {method!r}; there are {', '.join(METHODS)}.")
    check_source_and_target(source, labels, target)
    build, default, lr = METHODS[method]
    steps = default if steps is None and seconds is None else steps

    def train(model: Trainable, data: Domains) -> Trainable:
        fit(model, data, steps=steps, seconds=seconds, lr=lr, betas=(0.5, 0.99),
            schedule=warmup_cosine(), ema=0.99, seed=seed, device="cpu")
        return model

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(source, labels, target, int(labels.max()) + 1, train)
