"""Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis": BigGAN.

Its parts: conditional batch norm, self-attention, spectral normalisation, projection discriminator
(in nets.biggan), hinge loss, orthogonal regularisation, averaged weights (`fit`'s ema), truncation.
"""
import math
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from course_lib.core import GenerativeModel, sampling
from course_lib.nets.biggan import matrices


def hinge_discriminator_loss(logit_real: Tensor, logit_fake: Tensor) -> Tensor:
    """mean max(0, 1 − D(x)) + mean max(0, 1 + D(G(z)))    Miyato et al. 2018, eq. 16, negated"""
    return (1 - logit_real).relu().mean() + (1 + logit_fake).relu().mean()


def hinge_generator_loss(logit_fake: Tensor) -> Tensor:
    """−mean D(G(z))    Miyato et al. 2018, eq. 17; logits (batch,) → scalar, as above"""
    return -logit_fake.mean()


def orthogonal_regularisation(W: Tensor) -> Tensor:
    """‖WWᵀ ⊙ (1 − I)‖_F²    Brock et al. 2019, eq. 3, without its β

    Each row of W, (out, …), is a filter (the paper's are columns). 0 where they are orthogonal, of
    whatever norms. ‖WWᵀ‖_F = ‖WᵀW‖_F: the smaller of the two is formed. Returns a scalar.
    """
    W = W.flatten(1)
    gram = W @ W.T if len(W) < W.shape[1] else W.T @ W
    return (gram ** 2).sum() - (W ** 2).sum(1).square().sum()


def truncated_normal(n: int, n_z: int, threshold: float,
                     generator: torch.Generator | None = None) -> Tensor:
    """z ~ N(0, 1), components with |z| > threshold drawn again    Brock et al. 2019, Section 3.1

    Drawn by the inverse of the distribution function, which has the law of drawing again and again.
    Returns (n, n_z). Errors: ValueError for a threshold that is not above 0.
    """
    if not threshold > 0:
        raise ValueError(f"Truncation needs a threshold above 0, not {threshold}.")
    u = 2 * torch.rand(n, n_z, generator=generator, dtype=torch.float64) - 1
    z = math.sqrt(2) * torch.erfinv(u * math.erf(threshold / math.sqrt(2)))
    return z.clamp(-threshold, threshold).float()


def told(y: Tensor) -> Tensor:
    """Attributes, bool, as −1 and 1; numbers as they are."""
    return 2.0 * y - 1 if y.dtype == torch.bool else y.float()


class BigGAN(GenerativeModel):
    """min_G max_D with the hinge loss, D and G told the class    Brock et al. 2019, Section 3

    G: (z, c) → images; D: (images, c) → logits (batch,). conditions: rows (k, classes) to draw c of
    where no y is given: `torch.eye(10)`, or the attributes of k portraits. beta: of eq. 3. Trained
    on batches (x, y), y as for `sample`. Errors: ValueError for fewer than two classes.
    """

    def __init__(self, G: nn.Module, D: nn.Module, conditions: Tensor, beta: float = 1e-4,
                 discriminator_loss=hinge_discriminator_loss, generator_loss=hinge_generator_loss):
        super().__init__()
        if conditions.ndim != 2 or conditions.shape[1] < 2:
            raise ValueError("Class-conditional batch norm needs two classes or more, as conditions"
                             f" (k, classes), but they have shape {tuple(conditions.shape)}.")
        self.G, self.D, self.beta = G, D, beta
        self.discriminator_loss, self.generator_loss = discriminator_loss, generator_loss
        self.register_buffer("conditions", told(conditions))

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"D": list(self.D.parameters()), "G": list(self.G.parameters())}

    def condition(self, y: Tensor) -> Tensor:
        """y as rows (n, classes): of classes (n,) one-hot, of attributes (n, classes), bool, ±1.

        Errors: ValueError for an unknown class, or another number of attributes.
        """
        classes = self.conditions.shape[1]
        if y.ndim == 1 and not y.is_floating_point() and y.dtype != torch.bool:
            if len(y) and not 0 <= y.min() <= y.max() < classes:
                raise ValueError(f"The classes are 0 to {classes - 1}, but y holds {int(y.min())} "
                                 f"to {int(y.max())}.")
            return one_hot(y.to(self.device), classes).float()
        if y.ndim != 2 or y.shape[1] != classes:
            raise ValueError(f"y must be classes (n,) as whole numbers, or attributes (n, {classes}"
                             f"), but it is {y.dtype} of shape {tuple(y.shape)}.")
        return told(y.to(self.device))

    def drawn(self, n: int, generator: torch.Generator | None) -> Tensor:
        k = torch.randint(len(self.conditions), (n,), generator=generator)
        return self.conditions[k.to(self.device)]

    def loss(self, batch: tuple[Tensor, Tensor], player: str) -> Tensor:
        x, c = batch[0], self.condition(batch[1])
        z = torch.randn(len(x), self.G.n_z, device=x.device)
        if player == "G":
            R = sum(orthogonal_regularisation(W) for W in matrices(self.G)) if self.beta else 0.0
            return self.generator_loss(self.D(self.G(z, c), c)) + self.beta * R
        with torch.no_grad():
            fake = self.G(z, c)
        logit = self.D(torch.cat([x, fake]), torch.cat([c, c]))
        return self.discriminator_loss(*logit.chunk(2))

    @sampling
    def sample(self, n: int, *, y: Tensor | None = None, threshold: float | None = None,
               generator: torch.Generator | None = None) -> Tensor:
        """x = G(z, y), z ~ N(0, I), truncated if asked    Brock et al. 2019, Section 3.1

        y: as for `condition`, n of them; drawn from the conditions unless given.
        Errors: ValueError for an unknown class, or a threshold that is not above 0.
        """
        c = self.drawn(n, generator) if y is None else self.condition(y)
        if len(c) != n:
            raise ValueError(f"{n} samples need {n} conditions, but y has {len(c)}.")
        z = (torch.randn(n, self.G.n_z, generator=generator) if threshold is None
             else truncated_normal(n, self.G.n_z, threshold, generator))
        return self.G(z.to(self.device), c)

    @contextmanager
    def averaged(self):
        """Averaged weights, with batch norm's μ and σ² anew    Brock et al. 2019, Appendix B

        Averages over training of μ, σ² and of spectral norm's u, v belong to no one network.
        """
        moved = self.ema is not None
        with super().averaged():
            if moved:
                standing_statistics(self)
            yield


@torch.no_grad()
def standing_statistics(model: BigGAN, passes: int = 20, batch: int = 100) -> None:
    """G's running μ and σ² become means over passes of new samples    Brock et al. 2019, App. B"""
    mode, rng = model.G.training, torch.Generator().manual_seed(0)
    norms = [layer for layer in model.G.train().modules() if isinstance(layer, nn.BatchNorm2d)]
    for k in range(passes):
        for norm in norms:
            norm.momentum = 1 / (k + 1)                   # a plain mean, and the first is all
        z = torch.randn(batch, model.G.n_z, generator=rng).to(model.device)
        model.G(z, model.drawn(batch, rng))
    for norm in norms:
        norm.momentum = 0.1
    model.G.train(mode)
