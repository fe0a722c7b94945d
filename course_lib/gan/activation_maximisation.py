"""Nguyen et al. 2016, "Synthesizing the preferred inputs for neurons in neural networks via deep
generator networks" (DGN): what picture excites a unit of a classifier most, searched in the code of
a generator in place of pixels.

The paper's code y is h here where it is features, z where it is noise, as y is a class throughout
the course; Φ_u is the unit u of the classifier.
"""
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.core import noise_like


class Ascent(NamedTuple):
    """The last code, its picture, and the activation before each step and at the end, (steps + 1,
    batch), or fewer where all have reached `enough` sooner (DGN, Figure 1)."""

    code: Tensor
    x: Tensor
    activations: Tensor


def activation(logits: Tensor, unit: Tensor) -> Tensor:
    """Φ_u, or the mean of Φ_u over several units    DGN, eq. 1 and Section S8

    logits (batch, units); unit: (batch,), whole numbers, or (batch, k) for k units at once.
    Returns (batch,). Errors: ValueError for units that do not exist, or not one row an image.
    """
    n, units = logits.shape
    if unit.dtype != torch.int64 or unit.shape[:1] != (n,) or unit.ndim > 2:
        raise ValueError(f"unit must be whole numbers ({n},) or ({n}, k), one row a code, but it "
                         f"is {unit.dtype} of shape {tuple(unit.shape)}.")
    if len(unit) and not 0 <= unit.min() <= unit.max() < units:
        raise ValueError(f"The classifier has the units 0 to {units - 1}, but unit holds "
                         f"{int(unit.min())} to {int(unit.max())}.")
    return logits.gather(1, unit.reshape(n, -1)).mean(1)


def code_norm(lam: float) -> Callable[[Tensor], Tensor]:
    """h ↦ −λ ‖h‖, the prior of codes that are features    DGN, eq. 1

    Errors: ValueError for a negative λ, here and below.
    """
    lam = _weight(lam)
    return lambda h: -lam * torch.linalg.vector_norm(h.flatten(1), dim=1)


def gaussian(lam: float = 1.0) -> Callable[[Tensor], Tensor]:
    """z ↦ −λ ‖z‖²/2, for λ = 1 the log-density of a GAN's z up to a constant    GAN, Section 3"""
    lam = _weight(lam)
    return lambda z: -lam * (z ** 2).flatten(1).sum(1) / 2


def smoothness(lam: float) -> Callable[[Tensor], Tensor]:
    """x ↦ −λ Σ (x_ij − x_i+1,j)² + (x_ij − x_i,j+1)²    Mahendran & Vedaldi 2015, Section 3, β = 2

    Their total variation, a prior of pixels, summed over channels too.
    """
    lam = _weight(lam)
    return lambda x: -lam * (x.diff(dim=2).square().sum((1, 2, 3))
                             + x.diff(dim=3).square().sum((1, 2, 3)))


def _weight(lam: float) -> float:
    if not lam >= 0:
        raise ValueError(f"The weight of a prior is 0 or more, not {lam}: a negative one would "
                         "reward what the prior forbids.")
    return lam


def pixels(x: Tensor) -> Tensor:
    """G(x) = x: the code is the picture itself    Simonyan et al. 2014, Section 2"""
    return x


def maximise(phi: Callable[[Tensor], Tensor], unit: Tensor, start: Tensor, *,
             G: Callable[[Tensor], Tensor] = pixels,
             prior: Callable[[Tensor], Tensor] | None = None,
             bounds: tuple[Tensor | float, Tensor | float] | None = None, steps: int = 200,
             lr: float = 0.2, end_lr: float = 1e-10, noise: float = 0.0,
             enough: float | Tensor = float("inf"),
             generator: torch.Generator | None = None,
             on_step: Callable[[int, Tensor], None] | None = None) -> Ascent:
    """h ← clip(h + lr g / mean |g| + noise ε), g = ∇_h [Φ_u(G(h)) + prior(h)]    DGN, eq. 1

    phi     x → activations (batch, units), in the mode that it is in; its weights stay as they are
    unit    (batch,) or (batch, k), as for `activation`
    start   codes (batch, …); pixels where G is the identity
    bounds  low and high of each number of the code: 0 and 3 σ for features (DGN, Section 2)
    lr      falls linearly to end_lr; in the authors' code from 8 to 1e-10, where g is divided by
            its mean size twice, at the picture and at the code
    noise   times a fresh ε ~ N(0, I) each step: towards Langevin's sampler (Nguyen et al. 2017,
            eq. 2)
    enough  a code whose activation has reached this, one number or (batch,), stays where it is
    on_step called with (step, code) before each step and at the end
    Errors: ValueError for units that do not exist, bounds out of order, a negative noise, or G and
    phi that do not fit.
    """
    if bounds is not None and (torch.as_tensor(bounds[0]) > torch.as_tensor(bounds[1])).any():
        raise ValueError("A lower bound lies above its upper bound.")
    if noise < 0:
        raise ValueError(f"noise is a standard deviation, 0 or more, not {noise}.")
    low, high = (None, None) if bounds is None else (torch.as_tensor(b).to(start) for b in bounds)
    enough, h, seen = torch.as_tensor(enough).to(start), start.detach().clone(), []
    for k in range(steps + 1):
        h.requires_grad_()
        with torch.enable_grad():
            x, logits = _fitting(G, phi, h)
            Phi = activation(logits, unit)
            objective = Phi if prior is None else Phi + prior(h)
            g, = torch.autograd.grad(objective.sum(), h)
        h, done = h.detach(), Phi.detach() >= enough
        seen.append(Phi.detach())
        if on_step is not None:
            on_step(k, h)
        if k == steps or done.all():
            break
        rate = lr + (end_lr - lr) * k / steps
        size = g.abs().flatten(1).mean(1).clamp(min=1e-30).view(-1, *[1] * (g.ndim - 1))
        h_next = h + rate * g / size + noise * noise_like(h, generator)
        if bounds is not None:
            h_next = h_next.clamp(low, high)
        h = torch.where(done.view(size.shape), h, h_next)
    return Ascent(h, x.detach(), torch.stack(seen))


def _fitting(G, phi, h: Tensor) -> tuple[Tensor, Tensor]:
    try:
        x = G(h)
    except RuntimeError as error:
        raise ValueError(f"G does not take codes of shape {tuple(h.shape)}: {error}") from error
    try:
        return x, phi(x)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"G's pictures have the shape {tuple(x.shape)}, which the classifier does "
                         f"not take: {error}") from error


def best(ascent: Ascent, starts: int) -> Ascent:
    """Of each unit's starting points in a row, the one that ended highest    DGN, Section S4

    Returns (batch / starts, …). Errors: ValueError for a batch that `starts` does not divide.
    """
    n = len(ascent.code)
    if starts < 1 or n % starts:
        raise ValueError(f"{n} codes are not a whole number of rows of {starts} starts.")
    index = ascent.activations[-1].view(-1, starts).argmax(1)
    index = index + starts * torch.arange(n // starts, device=index.device)
    return Ascent(ascent.code[index], ascent.x[index], ascent.activations[:, index])
