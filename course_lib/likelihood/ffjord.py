"""Grathwohl et al. 2019, "FFJORD: Free-Form Continuous Dynamics for Scalable Reversible Generative
Models": data is noise carried along dz/dt = f(z, t), with any network f.

Time t runs from 0, noise N(0, I), to 1, data. No determinant is needed, only the divergence of f
along the way, exact in low dimension and estimated in a high one. How often f is evaluated (NFE) is
the solver's choice, and grows as f gets harder to follow.
"""
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from course_lib.core import GenerativeModel, sampling
from course_lib.likelihood.divergence import (
    exact,
    rademacher_like,
    solve,
    standard_normal,
)


def forward_hutchinson(e: Tensor, norms: list | None = None):
    """∇·f = E[eᵀ(∂f/∂z)e], as eᵀ times the tangent (∂f/∂z)e    Grathwohl et al. 2019, Section 3.1

    Forward differentiation: f once with its tangent, and no second backward pass in training.
    norms: gets mean ((∂f/∂z)e)² and mean f² of each call. Returns a divergence for `solve`.
    """
    def divergence(f, z: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        with forward_ad.dual_level():
            value, slope = forward_ad.unpack_dual(f(forward_ad.make_dual(z, e), t))
        slope = torch.zeros_like(value) if slope is None else slope     # of a constant field
        if norms is not None:
            norms.append(torch.stack([slope.square().mean(), value.square().mean()]))
        return value, (slope * e).flatten(1).sum(1)
    return divergence


class FFJORD(GenerativeModel):
    """x = z(1) of dz/dt = f(z, t), z(0) ~ N(0, I)    Grathwohl et al. 2019, Section 2.2

    f(z, t): (batch, *shape) and a scalar → (batch, *shape), smooth. before: a fixed bijection of
    data, such as `Logit`, or None. Departs from the paper: trained through `steps` steps of Runge
    and Kutta (fourth order), in place of the adjoint ODE, at times that move at random, as f else
    learns to gain by the errors of fixed steps; all but training is solved by "dopri5" to
    `tolerance`. penalty, kinetic: λ, κ in the loss, 0 in the paper. nfe: evaluations of f, last.
    """

    def __init__(self, f: nn.Module, shape: tuple[int, ...], *, before: nn.Module | None = None,
                 steps: int = 4, penalty: float = 0.0, kinetic: float = 0.0,
                 tolerance: float = 1e-5):
        super().__init__()
        self.f, self.shape, self.before, self.steps = f, tuple(shape), before, steps
        self.penalty, self.kinetic, self.tolerance, self.nfe = penalty, kinetic, tolerance, 0

    def carry(self, z: Tensor, times, divergence=None) -> tuple[Tensor, Tensor]:
        """z(end) from z(start), and ∫ tr(∂f/∂z) dt between them    Grathwohl et al. 2019, eq. 4

        times: (start, end), adaptively; or more, each a step. divergence: as for `solve`.
        """
        times = torch.as_tensor(times)
        method = "rk4" if len(times) > 2 else "dopri5"
        z, integral, self.nfe = solve(self.f, z, times, divergence=divergence, method=method,
                                      tolerance=self.tolerance)
        return z, integral

    def to_noise(self, x: Tensor, divergence, times=(1.0, 0.0)) -> tuple[Tensor, Tensor]:
        """z(0) and log |det ∂z(0)/∂x|, nats, (batch,)    Grathwohl et al. 2019, eq. 3"""
        z, log_det = (x, x.new_zeros(len(x))) if self.before is None else self.before(x)
        z, integral = self.carry(z, times, divergence)
        return z, log_det + integral

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Data to noise, with the exact log-det: a bijection    Grathwohl et al. 2019, eq. 3"""
        return self.to_noise(x, exact)

    def inverse(self, z: Tensor) -> Tensor:
        """Noise to data    Grathwohl et al. 2019, Section 2.2"""
        x, _ = self.carry(z, (0.0, 1.0))
        return x if self.before is None else self.before.inverse(x)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) = log p(z(0)) − ∫_0^1 tr(∂f/∂z) dt    Grathwohl et al. 2019, eq. 3

        Nats, (batch,). With the exact trace, d backward passes an evaluation.
        """
        z, log_det = self(x)
        return standard_normal(z) + log_det

    def log_prob_estimate(self, x: Tensor, generator: torch.Generator | None = None, *,
                          times=(1.0, 0.0), norms: list | None = None) -> Tensor:
        """log p(x) with eᵀ(∂f/∂z)e for the trace, one e for each x    Grathwohl et al. 2019, eq. 8

        Nats, (batch,), right in the mean over e. times: as for `carry`; norms:
        as for `forward_hutchinson`.
        """
        trace = forward_hutchinson(rademacher_like(x, generator), norms)
        z, log_det = self.to_noise(x, trace, times)
        return standard_normal(z) + log_det

    def loss(self, x: Tensor, player: str) -> Tensor:
        """−mean log p(x)/d + λ mean ‖∂f/∂z‖²/d + κ mean ‖f‖²/d    Finlay et al. 2020, Section 3

        The estimate, in nats a dimension ("How to train your neural ODE": λ and κ keep paths
        straight and f easy to follow in few steps).
        """
        times = torch.linspace(1, 0, self.steps + 1)
        times[1:-1] += (torch.rand(self.steps - 1) - 0.5) / self.steps
        norms = []
        nll = -self.log_prob_estimate(x, times=times, norms=norms).mean() / x[0].numel()
        slopes, speeds = torch.stack(norms).mean(0)
        return nll + self.penalty * slopes + self.kinetic * speeds

    @sampling
    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None) -> Tensor:
        """`inverse` of n draws of N(0, I)    Grathwohl et al. 2019, Section 2.2

        Errors: ValueError for a class y.
        """
        if y is not None:
            raise ValueError("This flow is of data alone: it takes no class y.")
        return self.inverse(torch.randn(n, *self.shape, generator=generator).to(self.device))


class PointField(nn.Module):
    """f(z, t) of points, tanh layers that are told t    Grathwohl et al. 2019, Section 4.1

    z: (batch, d), t: a scalar, one more input of each layer.
    """

    def __init__(self, d: int = 2, width: int = 64):
        super().__init__()
        widths = (d, width, width, width)
        self.layers = nn.ModuleList(nn.Linear(i + 1, o) for i, o in zip(widths, widths[1:]))
        self.out = nn.Linear(width, d)
        nn.init.zeros_(self.out.weight)

    def forward(self, z: Tensor, t: Tensor) -> Tensor:
        for layer in self.layers:
            z = layer(torch.cat([z, t.to(z).expand(len(z), 1)], 1)).tanh()
        return self.out(z)
