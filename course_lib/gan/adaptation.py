"""Unsupervised domain adaptation behind one call: labels of a source, pictures alone of a target.

`adapt(method, source, labels, target)` gives a classifier of the target. All that train networks
share one form of classifier and one way of augmenting pictures."""
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import Trainable, fit, warmup_cosine
from course_lib.data.adaptation import Domains
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


def discriminator(domains: int, x: Tensor, classes: int) -> CoupledD:
    """The classifier of all methods; the low layers of its domains start alike."""
    D = CoupledD(domains, *x.shape[1:3], classes)
    for low in D.low:
        low.load_state_dict(D.low[0].state_dict())
    return D.to(memory_format=torch.channels_last)   # the same numbers, a third faster on a CPU


def source_only(data: Domains, classes: int, train: Callable) -> Adapted:
    """The bar: what the source alone teaches, asked about the target."""
    D = discriminator(1, data.source, classes)
    model = train(SourceOnly(D), data)
    return Adapted(lambda x: D.classify(x, 0), model)


def sa(data: Domains, classes: int, train: Callable, d: int = 20) -> Adapted:
    """Features of "source only", d directions, the nearest neighbour    DANN, Section 5.2.1"""
    model = source_only(data, classes, train).model
    with torch.no_grad(), model.averaged():
        h, h_t = (torch.cat([model.D.features(part, 0) for part in x.split(500)])
                  for x in (data.source, data.target))
    of_source, of_target = aligned(h, h_t, min(d, *h.shape, len(h_t)))
    known = of_source(h)
    see = lambda x: of_target(model.D.features(x, 0))
    near = lambda x: nearest_label(see(x), known, data.labels)
    return Adapted(lambda x: nnf.one_hot(near(x), classes), model)


def dann(data: Domains, classes: int, train: Callable, Model=DANN) -> Adapted:
    """One network for both domains, features that hide the domain    DANN, Section 4.2"""
    D = discriminator(1, data.source, classes)
    model = train(Model(D, mlp(D.n_h, 64, 1)), data)
    return Adapted(lambda x: D.classify(x, 0), model)


def dtn(data: Domains, classes: int, train: Callable, Model=DTN) -> Adapted:
    """f on the source's labels, then g, then a classifier of g(f(source))    DTN, Section 5.1

    Departs from the paper's nearest neighbour: among raw pixels that is the weakest part.
    """
    first = source_only(data, classes, train).model
    first.load_state_dict(first.ema)
    f = nn.Sequential(first.D.low[0], first.D.high).requires_grad_(False)
    H, G = VectorG(first.D.n_h, 8, data.source.shape[2] // 4), CoupledG(1, data.source.shape[1])
    D = discriminator(1, data.source, 3)
    model = train(Model(f, nn.Sequential(H, G.high, G.low[0]),
                        nn.Sequential(D.low[0], D.high, D.classes)), data)
    drawn = torch.cat([model.translate(part) for part in data.source.split(500)])
    last = source_only(Domains(drawn, data.labels, data.target), classes, train).model
    last.load_state_dict(last.ema)
    return Adapted(lambda x: last.D.classify(x, 0), model)


def cogan(data: Domains, classes: int, train: Callable, Model=CoGANClassifier) -> Adapted:
    """The head of D, behind the low layers of the target    CoGAN, Section 5"""
    D = discriminator(2, data.source, classes)
    H, G = VectorG(64, 8, data.source.shape[2] // 4), CoupledG(2, data.source.shape[1])
    model = train(Model(H, G, D), data)
    return Adapted(lambda x: D.classify(x, 1), model)


def unit(data: Domains, classes: int, train: Callable, Model=UNITClassifier) -> Adapted:
    """The head of D, behind the low layers of the target    UNIT, Section 4 (adaptation)"""
    D = discriminator(2, data.source, classes)
    E, G = (net(2, data.source.shape[1]) for net in (CoupledE, CoupledG))
    model = train(Model(E, G, D), data)
    return Adapted(lambda x: D.classify(x, 1), model)


# how each is trained: steps, which take two CPU minutes at most, and Adam's rate; with as many as
# the others UNIT is not done (benchmarks/adaptation_steps.py)
METHODS = {"source only": (source_only, 1200, 1e-3), "SA": (sa, 1200, 1e-3),
           "DANN": (dann, 1200, 1e-3), "DTN": (dtn, 1200, 2e-3),
           "CoGAN": (cogan, 1200, 2e-3), "UNIT": (unit, 1800, 2e-3)}


def adapt(method: str, source: Tensor, labels: Tensor, target: Tensor, *, steps: int | None = None,
          seconds: float | None = None, seed: int = 0) -> Adapted:
    """A classifier of the target, from the source's labels    UNIT, Section 4 (adaptation)

    method: one of METHODS. source, target: pictures (n, C, H, W), (m, C, H, W), with H = W, which 4
    divides; labels (n,): classes from 0. steps or seconds: of each training, by default the
    method's own. Returns images (k, C, H, W) → classes (k,). Nothing here takes a label of the
    target. Errors: ValueError for an unknown method, an empty domain, domains of other channels
    or sides, and labels that are not one a picture.
    """
    if method not in METHODS:
        raise ValueError(f"There is no method {method!r}; there are {', '.join(METHODS)}.")
    build, default, lr = METHODS[method]
    steps = default if steps is None and seconds is None else steps
    return built(build, source, labels, target, lr=lr, steps=steps, seconds=seconds, seed=seed)


def built(build: Callable, source: Tensor, labels: Tensor, target: Tensor, *, lr: float,
          steps: int | None = None, seconds: float | None = None, seed: int = 0) -> Adapted:
    """What `adapt` does with a method of METHODS, and with one of other settings."""
    def train(model: Trainable, data: Domains) -> Trainable:
        fit(model, data, steps=steps, seconds=seconds, lr=lr, betas=(0.5, 0.99),
            schedule=warmup_cosine(), ema=0.99, seed=seed, device="cpu")
        return model

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(Domains(source, labels, target), int(labels.max()) + 1, train)
