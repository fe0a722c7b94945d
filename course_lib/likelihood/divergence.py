"""The divergence of a vector field f(x, t), exact or estimated, and the ODE dx/dt = f(x, t) solved
together with the density that it carries: what Grathwohl et al. 2019 and Song et al. 2021 share.

Along dx/dt = f the density obeys d log p(x(t))/dt = −∇·f, so that log p at one end is log p at the
other and an integral of ∇·f (Chen et al. 2018, Theorem 1).
"""
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torchdiffeq import odeint


def _with_slopes(f: Callable, x: Tensor, t: Tensor, directions,
                 norms: list | None = None) -> tuple[Tensor, Tensor]:
    """f and Σ_e eᵀ(∂f/∂x)e, with a graph where gradients are on, and without where they are off."""
    graph = torch.is_grad_enabled()
    with torch.enable_grad():
        x = x if graph and x.requires_grad else x.detach().requires_grad_()
        value, total = f(x, t), x.new_zeros(len(x))
        for e in directions:
            if value.requires_grad:                                # a constant field has no slope
                slope, = torch.autograd.grad(value, x, e, create_graph=graph, retain_graph=True,
                                             materialize_grads=True)
                total = total + (slope * e).flatten(1).sum(1)
                if norms is not None:
                    norms.append(slope.square().mean())
    return (value, total) if graph else (value.detach(), total.detach())


def exact(f: Callable, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """∇·f = Σ_i ∂f_i/∂x_i = tr(∂f/∂x), d backward passes    Chen et al. 2018, Theorem 1

    f(x, t): (batch, …) → the same. Returns f(x, t) and ∇·f, (batch,).
    """
    unit = torch.eye(x[0].numel(), dtype=x.dtype, device=x.device).view(-1, *x.shape[1:])
    return _with_slopes(f, x, t, (e.expand_as(x) for e in unit))


def hutchinson(e: Tensor, norms: list | None = None) -> Callable:
    """∇·f = E[eᵀ(∂f/∂x)e] for E[e] = 0, E[eeᵀ] = I, one pass    Grathwohl et al. 2019, Section 3.1

    e: noise of x's shape, one draw for a whole solve, so that the field that is solved is one.
    norms: gets mean ‖eᵀ∂f/∂x‖²/d of each call, an estimate of ‖∂f/∂x‖² (Finlay et al. 2020).
    Returns a function as `exact`. With e of ±1 its variance is Σ_{i<j} (J_ij + J_ji)², which is
    2 ‖offdiag (J + Jᵀ)/2‖², and 0 where J is diagonal.
    """
    return lambda f, x, t: _with_slopes(f, x, t, (e,), norms)


def rademacher_like(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """e of ±1, as likely each, of x's shape, dtype and device    Hutchinson 1990

    Of all e with E[eeᵀ] = I the one of least variance. Drawn on the CPU: a seed means one e.
    """
    return (2 * torch.randint(2, x.shape, generator=generator) - 1).to(x)


def solve(f: Callable, x: Tensor, times: Tensor, *, divergence: Callable | None = None,
          method: str = "dopri5", tolerance: float = 1e-5) -> tuple[Tensor, Tensor, int]:
    """x(t) of dx/dt = f(x, t), and ∫ ∇·f dt along it    Grathwohl et al. 2019, eq. 4

    times: from the first to the last, (n,), rising or falling; a fixed-step method ("midpoint",
    "rk4") goes from each to the next, an adaptive one ("dopri5") by `tolerance`, relative and
    absolute. divergence: `exact` or `hutchinson(e)`; None for none.
    Returns x at the last time, the integral, (batch,), 0 without a divergence, and how often f was
    evaluated (NFE).
    """
    nfe = 0

    def field(t, state):
        nonlocal nfe
        nfe += 1
        if divergence is None:
            return f(state[0], t), torch.zeros_like(state[1])
        return divergence(f, state[0], t)

    ends = odeint(field, (x, x.new_zeros(len(x))), times.to(x), method=method, rtol=tolerance,
                  atol=tolerance)
    return ends[0][-1], ends[1][-1], nfe


def standard_normal(z: Tensor) -> Tensor:
    """log N(z; 0, I) = −½ Σ (z_i² + log 2π), of the noise    Grathwohl et al. 2019, Section 2

    z: (batch, …). Nats, (batch,).
    """
    return -0.5 * (z**2 + math.log(2 * math.pi)).flatten(1).sum(1)
