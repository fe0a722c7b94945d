"""Exercise 9, Gaussians on points fitted in two directions: the divergence that is reached, the
slope there, and what moments say."""
import math
from functools import cache

import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_results
from course_lib.checks.facts.draws import seeded, uniform

BEST = "Of all mu and sigma in the box the best ones are asked for, not those of a local optimum."
BETWEEN = "J is lam KL(p || q) + (1 - lam) KL(q || p): p and q are tables that sum to 1."


def log_q(x: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    """(…, m) for mu and sigma (…,)."""
    return (-((x - mu[..., None]) / sigma[..., None]) ** 2 / 2).log_softmax(-1)


def both(x: Tensor, log_p: Tensor, mu: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """KL(p || q) and KL(q || p) of each mu and sigma, in nats."""
    p, q = log_p.log_softmax(0), log_q(x, mu, sigma)
    return (p.exp() * (p - q)).sum(-1), (q.exp() * (q - p)).sum(-1)


def box(x: Tensor) -> tuple[float, float]:
    """The least and the largest sigma that count."""
    return x.diff().min().item(), (x[-1] - x[0]).item()


def optima(x: Tensor, log_p: Tensor, lam: float) -> list[tuple[float, float, float]]:
    """(J, mu, sigma) of the local optima in the box, the best first, by Newton steps from a grid.

    On the edge of the box too, where J falls towards it.
    """
    low, high = box(x)
    mus = torch.linspace(x[0].item(), x[-1].item(), 81, dtype=torch.float64)
    sigmas = torch.logspace(math.log10(low), math.log10(high), 41, dtype=torch.float64)
    J = lambda at: sum(c * kl for c, kl in zip((lam, 1 - lam), both(x, log_p, at[..., 0],
                                                                    at[..., 1].exp())))
    grid = torch.stack(torch.meshgrid(mus, sigmas.log(), indexing="ij"), -1)
    values = J(grid)
    around = torch.nn.functional.max_pool2d(-values[None], 3, 1, 1)[0]
    found = []
    for start in grid[(-values == around)]:
        at = start.clone()
        for _ in range(30):
            slope = torch.autograd.functional.jacobian(J, at)
            bend = torch.autograd.functional.hessian(J, at)
            step = torch.linalg.solve(bend, slope)
            if torch.linalg.eigvalsh(bend)[0] <= 0:
                step = slope
            while J(at - step) > J(at) + 1e-13 and step.abs().max() > 1e-13:
                step = step / 2
            at = at - step
            if step.abs().max() < 1e-11:
                break
        found.append((J(at).item(), at[0].item(), at[1].exp().item()))
    return sorted(found)


# (modes: weight, mean, deviation; points) in units of the range, which is 0 to 10
SHAPES = {
    "two modes": ((0.65, 2.6, 0.7), (0.35, 7.2, 0.9)),
    "a high narrow mode and a broad one": ((0.3, 7.6, 0.4), (0.7, 3.2, 1.3)),
    "three modes": ((0.22, 1.6, 0.5), (0.5, 5.0, 0.6), (0.28, 8.2, 0.5)),
    "one mode, cut off by the end": ((1.0, 1.1, 1.9),),
    "two narrow hills, a chasm between them": ((0.62, 2.5, 0.24), (0.38, 7.5, 0.24)),
}


@cache
def case(what: str, lam: float, seed: int) -> tuple[Tensor, Tensor, float, float, float]:
    """x from 0 to 10, log p, and the best J, mu and sigma, well apart from the next."""
    rng = seeded(1000 + seed)
    for _ in range(50):
        m = 60 if "narrow hills" in what else int(torch.randint(24, 41, (1,), generator=rng))
        gaps = uniform(rng, m - 1, low=0.6, high=1.6)
        x = torch.cat([torch.zeros(1, dtype=torch.float64), gaps.cumsum(0)])
        x = 10 * x / x[-1]
        shape = torch.tensor(SHAPES[what], dtype=torch.float64)
        shape = shape * uniform(rng, *shape.shape, low=0.93, high=1.07)
        w, mean, deviation = shape.T[..., None]
        log_p = (w.log() - deviation.log() - ((x - mean) / deviation) ** 2 / 2).logsumexp(0)
        log_p = log_p + 0.1 * torch.randn(m, dtype=torch.float64, generator=rng)
        if "chasm" in what:
            log_p = torch.where((x - 5).abs() < 1.2, log_p - 1850, log_p)
        found = optima(x, log_p, lam)
        best, mu, sigma = found[0]
        apart = [J for J, other, wide in found[1:]
                 if abs(other - mu) + abs(wide - sigma) > 0.01 * sigma]
        low, high = box(x)
        inside = x[0] + 0.01 < mu < x[-1] - 0.01
        inside = inside and max(1.3 * low, 0.021 * high) < sigma < high / 1.3
        if inside and all(J > best + 0.11 for J in apart):
            return x, log_p, best, mu, sigma
    raise RuntimeError(f"no clear case of {what} with lam = {lam}")


CASES = (("two modes", (0.0, 1.0, 0.25)), ("three modes", (0.0, 1.0)),
         ("a high narrow mode and a broad one", (0.0, 0.6)),
         ("one mode, cut off by the end", (0.0, 1.0, 0.5)),
         ("two narrow hills, a chasm between them", (0.0, 1.0)))


def warm() -> None:
    """The cases of the graded seeds."""
    for seed in (1, 2):
        for what, lams in CASES:
            for lam in lams:
                case(what, lam, seed)


def check_kl_fit(kl_fit, seed: int = 0) -> None:
    rng = seeded(seed)
    units = [(1.0, 0.0, 0.0), (1.0, 0.0, 9.9e3), (1e-2, -950.0, -9.9e3), (99.0, 0.0, 3.0),
             (1.0, -900.0, 0.0), (1e-2, 5.0, 300.0), (-1.0, 3.0, 0.0)]
    units = [units[j] for j in torch.randperm(len(units), generator=rng)]
    i = 0
    for what, lams in CASES:
        for lam in lams:
            _fitted(kl_fit, what, lam, seed, *units[i % len(units)])
            i += 1
    _fitted(kl_fit, "two narrow hills, a chasm between them", 0.0, seed, 1e-3, -950.0, 0.0)
    _of_the_family(kl_fit, rng)


def _of_the_family(kl_fit, rng: torch.Generator) -> None:
    """A table that is itself of the family is found, in any direction; few points, at the edge."""
    for m, at, size in ((12, 3, 2.2), (60, 20, 1.6)):
        x = torch.cat([uniform(rng, 1), uniform(rng, m - 1, low=0.6, high=1.5)]).cumsum(0)
        mu, sigma = x[at] + 0.1, torch.tensor(size, dtype=torch.float64)
        for lam in (0.0, 1.0, 0.4):
            log_p = log_q(x, mu, sigma) - 7
            found = expect_results(call(kl_fit, x, log_p, lam),
                                   "mu, sigma, KL(p || q), KL(q || p)", 4)
            kls = both(x, log_p, *(torch.as_tensor(t).double().reshape(()) for t in found[:2]))
            for name, got, right in zip(("mu", "sigma", "KL(p || q)", "KL(q || p)"), found,
                                        (mu, sigma, *kls)):
                expect_close(f"{name} of a p that is one of the q, m = {m}, lam = {lam}", got,
                             right, BEST, rtol=0, atol=1e-10 if "KL" in name else 1e-4 * size,
                             dtype=torch.float64)


def _fitted(kl_fit, what: str, lam: float, seed: int, unit: float, offset: float,
            level: float) -> None:
    x, log_p, best, mu, sigma = case(what, lam, seed)
    x, mu = unit * x + offset, unit * mu + offset
    log_p, sigma = log_p + level, abs(unit) * sigma
    if unit < 0:                                              # a mirror, in increasing order
        x, log_p = x.flip(0), log_p.flip(0)
    said = (f", lam = {lam:g}, {what} on {len(x)} points from {x[0].item():g} to "
            f"{x[-1].item():g}, log p of about {log_p.max().item():.3g}")
    found = expect_results(call(kl_fit, x, log_p, lam), "mu, sigma, KL(p || q), KL(q || p)", 4)
    names = ("mu", "sigma", "KL(p || q)", "KL(q || p)")
    for name, got in zip(names, found):
        assert isinstance(got, Tensor) and got.shape in ((), (1,)) and (
            got.dtype == torch.float64), f"{name}: expected one float64 number, got {got}."
        assert got.isfinite().all(), f"{name}{said}: expected a finite number, got {got}."
    got_mu, got_sigma, forward, reverse = (t.reshape(()) for t in found)
    assert got_sigma > 0, f"sigma{said}: expected a positive number, got {got_sigma.item()}."
    right = both(x, log_p, got_mu, got_sigma)
    for name, got, kl in zip(names[2:], (forward, reverse), right):
        expect_close(f"{name} at mu = {got_mu:.6g} and sigma = {got_sigma:.6g}{said}", got, kl,
                     BETWEEN, rtol=1e-9, atol=1e-9)
    J = lam * right[0] + (1 - lam) * right[1]
    assert J < best + 1e-8, (
        f"J at mu = {got_mu:.6g} and sigma = {got_sigma:.6g}{said}: expected {best:.9f}, which "
        f"other mu and sigma reach; got {J:.9f}. {BEST}")
    for name, got, expected in (("mu", got_mu, mu), ("sigma", got_sigma, sigma)):
        expect_close(f"{name} in units of the best sigma{said}", (got - mu if name == "mu" else got)
                     / sigma, (expected - mu if name == "mu" else expected) / sigma, BEST,
                     rtol=0, atol=1e-4)
    if lam == 1:
        q = log_q(x, got_mu, got_sigma).exp()
        p = log_p.softmax(0)
        at = (x - mu) / sigma
        for power in (1, 2):
            expect_close(f"the mean of ((x - {mu:.4g}) / {sigma:.4g})^{power} under q{said}",
                         (q * at**power).sum(), (p * at**power).sum(), "KL(p || q) is least where "
                         "q has p's moments, as sums over the points.", rtol=0, atol=1e-4)
