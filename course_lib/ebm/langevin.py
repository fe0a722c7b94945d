"""Langevin's dynamics without a test of acceptance (ULA: Roberts & Tweedie 1996; Welling & Teh
2011): samples of p(x) = e^{−E(x)}/Z from the gradient of E alone, for Z drops out of it.

An energy maps (batch, …) to (batch,), nats.
"""
import math
from collections import deque
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from course_lib.core import noise_like

FAR = 1e6                               # data are of size 1: from there no chain comes back


def gradient(E: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """∇E(x), minus the score of e^{−E}/Z    Hyvärinen 2005, Section 2

    x: (batch, …). Returns the same shape, by autograd; E's parameters get no gradient.
    Errors: ValueError where E does not give one number for each x.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        energy = E(x)
        if energy.shape != x.shape[:1]:
            raise ValueError(f"An energy maps {tuple(x.shape)} to {tuple(x.shape[:1])}, and not to "
                             f"{tuple(energy.shape)}.")
        return torch.autograd.grad(energy.sum(), x)[0]


def step(x: Tensor, grad: Tensor, eta: float, z: Tensor) -> Tensor:
    """x ← x − (η/2) ∇E(x) + √η z,  z ~ N(0, I)    Welling & Teh 2011, eq. 3

    x, grad = ∇E(x), z: (batch, …). p(x) is kept for η → 0 alone: of E = ½ a x² the variance becomes
    1/(a (1 − aη/4)) in place of 1/a, and from η = 4/a on the chain diverges.
    """
    return x - eta / 2 * grad + math.sqrt(eta) * z


def bounded(x: Tensor, k: int, eta: float) -> Tensor:
    """x after step k of a chain, if it is still of this world: |x_i| < 10⁶. Errors: ValueError."""
    if not (x.abs() < FAR).all():                                       # NaN is not, either
        raise ValueError(f"A Langevin chain diverges: at step {k} of size eta = {eta:g} x is "
                         f"not finite, or beyond {FAR:g}. Take smaller steps, or clip ∇E.")
    return x


def walk(E: Callable[[Tensor], Tensor], x: Tensor, *, eta: float, steps: int,
         noise: float | None = None, clip: float | None = None,
         generator: torch.Generator | None = None) -> Iterator[Tensor]:
    """x_0, x_1, … x_steps, one after the other    as `chain`"""
    if not eta > 0 or steps < 0:
        raise ValueError(f"A chain takes steps of a size above 0, and 0 or more of them; got "
                         f"eta = {eta}, steps = {steps}.")
    scale = 1.0 if noise is None else noise / math.sqrt(eta)
    yield x
    for k in range(1, steps + 1):
        grad = gradient(E, x)
        if clip is not None:
            grad = grad.clamp(-clip, clip)
        x = bounded(step(x.detach(), grad, eta, scale * noise_like(x, generator)), k, eta)
        yield x


def chain(E: Callable[[Tensor], Tensor], x: Tensor, *, eta: float, steps: int,
          noise: float | None = None, clip: float | None = None,
          generator: torch.Generator | None = None) -> Tensor:
    """x_{k+1} = x_k − (η/2) ∇E(x_k) + √η z_k, so many times    Welling & Teh 2011, eq. 3

    x: (batch, …), where the chains start. noise: what stands before z in place of √η; smaller, the
    chain is that of a lower temperature, as energies of images are sampled (Du & Mordatch 2019).
    clip: the largest size of each ∂E/∂x_i. Returns x after the last step, without a gradient.
    Errors: ValueError for an E of another shape, an η that is not above 0, and a chain that
    diverges, with its step.
    """
    states = walk(E, x, eta=eta, steps=steps, noise=noise, clip=clip, generator=generator)
    return deque(states, maxlen=1)[0].detach()


def path(E: Callable[[Tensor], Tensor], x: Tensor, *, eta: float, steps: int,
         noise: float | None = None, clip: float | None = None,
         generator: torch.Generator | None = None) -> Tensor:
    """`chain` with all of its states, (steps + 1, batch, …)    Welling & Teh 2011, eq. 3"""
    states = walk(E, x, eta=eta, steps=steps, noise=noise, clip=clip, generator=generator)
    return torch.stack([x.detach() for x in states])
