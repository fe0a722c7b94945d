"""Exercise 9, the density behind a map that folds the line, branch by branch; and integrals of it.
"""
import math

import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_results
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH

HINT = ("Each segment that reaches x adds N(z; 0, 1)/|slope| at its own z, to the density, not to "
        "its logarithm.")
FROM = ("r is each segment's share of p(x): its term over the sum of all, 0 where x is out of the "
        "segment's reach.")
SHAPES = {"one line": (1,), "one line, down": (-1,), "up": (1, 1, 1), "a fold": (-1, 1),
          "a hill": (1, -1), "a zigzag": (1, -1, 1, -1, 1), "down and up and down": (-1, 1, -1)}


def check_log_density(log_density, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype in BOTH:
        for what, signs in SHAPES.items():
            for low, high, shift in ((0.5, 2.0, 0.0), (0.011, 90.0, 0.0), (0.5, 2.0, -900.0)):
                _branches(log_density, rng, what, torch.tensor(signs).double(), low, high, dtype,
                          shift)
        _far_away(log_density, rng, dtype)
        _farthest(log_density, rng, dtype)
    _sums_to_one(log_density, rng)


def _map(rng: torch.Generator, signs: Tensor, low: float, high: float,
         shift: float = 0.0) -> tuple[Tensor, Tensor]:
    """Knots whose slopes are of size low to high; what x is near to is moved by shift."""
    steps = uniform(rng, len(signs), low=0.11, high=1.2)
    slopes = signs * (uniform(rng, len(signs), low=math.log(low), high=math.log(high))).exp()
    start = 2 * torch.rand(2, dtype=torch.float64, generator=rng) - 1.5
    zero = torch.zeros(1, dtype=torch.float64)
    a = start[0] + torch.cat([zero, steps.cumsum(0)])
    b = shift + start[1] + torch.cat([zero, (steps * slopes).cumsum(0)])
    return a, b


def terms(x: float, a: list[float], b: list[float]) -> list[float]:
    """log of what each segment adds to p(x); −∞ where it does not reach x."""
    found = []
    for j in range(len(a) - 1):
        slope = (b[j + 1] - b[j]) / (a[j + 1] - a[j])
        z = a[j] + (x - b[j]) / slope
        after = j == 0 or z >= a[j]
        before = j == len(a) - 2 or z < a[j + 1]
        found.append(-z * z / 2 - math.log(2 * math.pi) / 2 - math.log(abs(slope))
                     if after and before else -math.inf)
    return found


def by_branches(x: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """log p(x) and r, row by row, in plain numbers."""
    log_p, r = [], []
    for at in x.tolist():
        each = terms(at, a.tolist(), b.tolist())
        top = max(each)
        weights = [math.exp(t - top) if top > -math.inf else 0.0 for t in each]
        total = sum(weights)
        log_p.append(top + math.log(total) if total else -math.inf)
        r.append([w / total if total else 0.0 for w in weights])
    return torch.tensor(log_p, dtype=torch.float64), torch.tensor(r, dtype=torch.float64)


def slopes_of(x: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of Σ log p(x) in x, a and b, by what each term depends on, written out."""
    _, r = by_branches(x, a, b)
    of_x, of_a, of_b = (torch.zeros(t.shape, dtype=torch.float64) for t in (x, a, b))
    for j in range(len(a) - 1):
        run, rise = a[j + 1] - a[j], b[j + 1] - b[j]
        move = x - b[j]
        z, w = a[j] + move * run / rise, r[:, j]
        of_x += -w * z * run / rise
        # log term = −z²/2 + log|run| − log|rise|
        of_a[j] += (w * (-z * (1 - move / rise) - 1 / run)).sum()
        of_a[j + 1] += (w * (-z * move / rise + 1 / run)).sum()
        of_b[j] += (w * (-z * (-run / rise + move * run / rise**2) + 1 / rise)).sum()
        of_b[j + 1] += (w * (z * move * run / rise**2 - 1 / rise)).sum()
    return of_x, of_a, of_b


def _points(rng: torch.Generator, a: Tensor, b: Tensor, n: int, dtype: torch.dtype) -> Tensor:
    """Points that the map reaches, and points anywhere about; none close to a knot's value."""
    z = 2 * torch.randn(8 * n, dtype=torch.float64, generator=rng)
    j = (z[:, None] >= a[1:-1]).sum(1)
    reached = b[j] + (z - a[j]) * (b.diff() / a.diff())[j]
    about = b.min() - 1 + (b.max() - b.min() + 2) * torch.rand(4 * n, dtype=torch.float64,
                                                              generator=rng)
    x = torch.stack([reached[::2], about], 1).flatten().clamp(-999, 999).to(dtype)
    clear = (x.double()[:, None] - b).abs().amin(1) > 1e-3
    return x[clear][:n]


def _branches(log_density, rng: torch.Generator, what: str, signs: Tensor, low: float,
              high: float, dtype: torch.dtype, shift: float) -> None:
    a, b = (t.to(dtype) for t in _map(rng, signs, low, high, shift))
    precise = a.double(), b.double()
    fine = 1e-10 if dtype == torch.float64 else 1e-5 if high < 10 else 1e-3
    for n in (8, 1):
        x = _points(rng, *precise, n, dtype)
        log_p, r = by_branches(x.double(), *precise)
        said = (f", n = {n}, m = {len(signs)} ({what}), slopes of size "
                f"{(precise[1].diff() / precise[0].diff()).abs().tolist()}")
        got, shares = expect_results(call(log_density, x, a, b), "log p(x), r", 2)
        scale = log_p.abs().nan_to_num(posinf=1.0).clamp(min=1)
        _near("log p(x)" + said, got, log_p, scale, fine, dtype)
        size = scale[:, None].expand_as(r).clamp(min=1)
        _near("r" + said, shares, r, size, fine, dtype, FROM)
        if dtype == torch.float32 and high > 10:
            continue
        right = slopes_of(x.double(), *precise)
        for i, name in enumerate("xab"):
            _, slope = call(log_density, x, a, b, wrt=i, of=0)
            assert slope.isfinite().all(), (
                f"the gradient of log p(x) in {name}{said}: expected finite numbers, got "
                f"{slope.tolist()}. What is -inf on one branch must not become NaN backwards.")
            most = max(right[i].abs().max().item(), 1.0) * scale.max().item()
            expect_close(f"the gradient of log p(x) in {name}{said}", slope, right[i], HINT,
                         rtol=0, atol=100 * fine * most if high > 10 else 10 * fine * most,
                         dtype=dtype)


def _near(what: str, got: Tensor, right: Tensor, scale: Tensor, tolerance: float,
          dtype: torch.dtype, hint: str = HINT) -> None:
    """Within tolerance of scale; −∞ exactly."""
    assert isinstance(got, Tensor) and got.shape == right.shape, (
        f"{what}: expected shape {tuple(right.shape)}, got "
        f"{tuple(got.shape) if isinstance(got, Tensor) else type(got).__name__}. {hint}")
    expect_close(f"{what}, in units of the larger of 1 and |log p|", got / scale.to(got.dtype),
                 right / scale, hint, rtol=0, atol=tolerance, dtype=dtype)


def _far_away(log_density, rng: torch.Generator, dtype: torch.dtype) -> None:
    """Where every exp underflows; and x that nothing reaches, beside such that are reached."""
    a = torch.tensor([-1.0, 0.0, 1.0], dtype=dtype)
    b = torch.tensor([2.0, 0.0, 1.0], dtype=dtype)               # |z| with slopes -2 and 1
    x = torch.tensor([99.0, 60.0, -1.0, 0.3, -50.0, 40.0], dtype=dtype)
    log_p, r = by_branches(x.double(), a.double(), b.double())
    got, shares = expect_results(call(log_density, x, a, b), "log p(x), r", 2)
    fine = 1e-10 if dtype == torch.float64 else 1e-5
    _near("log p(x) of x = 99, 60, -1, 0.3, -50, 40 under a fold at 0", got, log_p,
          log_p.abs().nan_to_num(posinf=1.0).clamp(min=1), fine, dtype)
    _near("r of x = 99, 60, -1, 0.3, -50, 40 under a fold at 0", shares, r,
          torch.ones_like(r), 100 * fine, dtype, FROM)
    alone = x[2:3]
    got, shares = expect_results(call(log_density, alone, a, b), "log p(x), r", 2)
    _near("log p(x) where nothing reaches the only x", got, log_p[2:3], torch.ones(1), 0, dtype)
    _near("r where nothing reaches the only x", shares, r[2:3], torch.ones(1, 2), 0, dtype, FROM)
    right = slopes_of(x.double(), a.double(), b.double())
    for i, name in enumerate("xab"):
        _, slope = call(log_density, x, a, b, wrt=i, of=0)
        assert slope.isfinite().all(), (
            f"the gradient of log p(x) in {name} where nothing reaches one of the x: expected "
            f"finite numbers, got {slope.tolist()}. Repair -inf before logsumexp, not after it.")
        expect_close(f"the gradient of log p(x) in {name} where nothing reaches one of the x",
                     slope, right[i], HINT, rtol=10 * fine, atol=10 * fine, dtype=dtype)
        leaves = [t.clone().requires_grad_(j == i) for j, t in enumerate((alone, a, b))]
        got = log_density(*leaves)[0]
        if not got.requires_grad:                    # as good as 0
            continue
        slope, = torch.autograd.grad(got.sum(), leaves[i], allow_unused=True,
                                     materialize_grads=True)
        expect_close(f"the gradient of log p(x) in {name} where nothing reaches the only x", slope,
                     torch.zeros(slope.shape), "It is 0.", rtol=0, atol=0, dtype=dtype)


def _farthest(log_density, rng: torch.Generator, dtype: torch.dtype) -> None:
    """The least log-densities of the ranges, about -3e9, at the ends, which are flat; what is not
    reached is less likely still."""
    fine = 1e-10 if dtype == torch.float64 else 1e-5
    for what, signs in SHAPES.items():
        a, b = _map(rng, torch.tensor(signs).double(), 0.5, 2.0)
        flat = uniform(rng, 2, low=0.011, high=0.014)
        steps = a.diff()
        b = b - b[1]                                 # the knots' values from the second one on
        b[0] = -signs[0] * flat[0] * steps[0]
        if len(signs) > 1:
            b[-1] = b[-2] + signs[-1] * flat[1] * steps[-1]
        a, b = a.to(dtype), b.to(dtype)
        x = torch.stack([t * uniform(rng, low=900, high=999) for t in (1, -1)]).to(dtype)
        log_p, r = by_branches(x.double(), a.double(), b.double())
        said = f" of x = {x.tolist()}, m = {len(signs)} ({what}), whose ends are flat"
        got, shares = expect_results(call(log_density, x, a, b), "log p(x), r", 2)
        _near("log p(x)" + said, got, log_p, log_p.abs().nan_to_num(posinf=1.0), fine, dtype)
        for j in range(2):
            alone = (r[j] > 0).sum() < 2             # of two, rounding decides
            if alone:
                _near("r" + said, shares[j], r[j], torch.ones(len(signs)), 0, dtype, FROM)


def _sums_to_one(log_density, rng: torch.Generator) -> None:
    """p integrates to 1 between the values of neighbouring knots, cut at ±8 standard deviations."""
    for what in ("up", "a fold", "a zigzag"):
        a, b = _map(rng, torch.tensor(SHAPES[what]).double(), 0.5, 2.0)
        slopes = b.diff() / a.diff()
        ends = torch.stack([b[0] + (-8 - a[0]) * slopes[0], b[-1] + (8 - a[-1]) * slopes[-1]])
        edges = torch.cat([b, ends]).sort().values
        nodes = (torch.arange(400, dtype=torch.float64) + 0.5) / 400
        widths = edges.diff()
        x = edges[:-1, None] + widths[:, None] * nodes
        got = call(log_density, x.flatten(), a, b)[0]
        total = ((widths[:, None] / 400).expand_as(x).flatten() * got.exp()).sum()
        expect_close(f"the integral of p over the line, m = {len(slopes)} ({what})", total, 1.0,
                     HINT, rtol=0, atol=3e-4)
