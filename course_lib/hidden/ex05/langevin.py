"""The facts of a preconditioned Langevin step at a temperature that is accepted or not."""
import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.checks import at_most, call, expect_close, expect_results, expect_tensor
from course_lib.checks.facts.callbacks import Asked
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH

MALA_HINT = ("y = x - (eta / 2) A g(x) + sqrt(eta T) L z with A = L L^T. log alpha is the smaller "
             "of 0 and (E(x) - E(y)) / T + log q(x | y) - log q(y | x), where q has the drift of "
             "the point that it starts from and the covariance eta T A; y where u < alpha.")
Energy = Callable[[Tensor], tuple[Tensor, Tensor]]


def rows(x: Tensor) -> Tensor:
    return x.reshape(len(x), -1)


def per_row(values: Tensor, x: Tensor) -> Tensor:
    return values.reshape(-1, *[1] * (x.ndim - 1))


def bowl(d: int, rng: torch.Generator, scale: float = 1.0) -> Energy:
    """(x − m)ᵀ S (x − m)/2 + a wave, all times a scale; no direction is like another."""
    B, m = (torch.randn(*shape, dtype=torch.float64, generator=rng) for shape in ((d, d), (d,)))
    S = B @ B.T / d + 0.3 * torch.eye(d, dtype=torch.float64)

    def energy(x: Tensor) -> tuple[Tensor, Tensor]:
        r = rows(x).double() - m
        E = scale * ((r @ S * r).sum(1) / 2 + torch.cos(r).sum(1))
        return E.to(x.dtype), (scale * (r @ S - torch.sin(r))).reshape(x.shape).to(x.dtype)

    return energy


def walled(inside: Energy, at: float, slope: float) -> Energy:
    """Infinite, and with this number for a gradient, where any number is larger than `at`."""
    def energy(x: Tensor) -> tuple[Tensor, Tensor]:
        E, g = inside(x)
        out = (rows(x).abs() > at).any(1)
        return torch.where(out, math.inf, E), torch.where(per_row(out, x), slope, g)

    return energy


def beyond(level: float, slope: float) -> Energy:
    """0 and flat near 0; farther away this energy, and this number for a gradient."""
    def energy(x: Tensor) -> tuple[Tensor, Tensor]:
        out = (rows(x).abs() > 0.5).any(1)
        E = torch.where(out, torch.full_like(x[:, 0], level), 0)
        return E, torch.where(per_row(out, x), torch.full_like(x, slope), 0)

    return energy


def both_ways(energy: Energy, x: Tensor, L: Tensor, eta: float, T: float,
              z: Tensor) -> tuple[Tensor, Tensor]:
    """y and α, from the densities of the two moves; point by point."""
    A = L @ L.T
    E_x, g_x = energy(x)
    drift = lambda at, g: rows(at) - eta / 2 * rows(g) @ A
    y = (drift(x, g_x) + math.sqrt(eta * T) * rows(z) @ L.T).reshape(x.shape)
    E_y, g_y = energy(y)
    # The noise of the way there is z, exactly; of the way back it is found. Densities are those of
    # the noise, up to what both ways share.
    home = (rows(x) - drift(y, g_y)) / math.sqrt(eta * T)
    back = torch.linalg.solve_triangular(L, home.T, upper=False).T
    log_alpha = (E_x - E_y) / T + (rows(z).square() - back.square()).sum(1) / 2
    alpha = torch.where(torch.isinf(E_y), 0.0, log_alpha.clamp(max=0).exp())
    return y, alpha


def check_mala_step(mala_step, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=rng)

    def factor(d: int) -> Tensor:
        return torch.tril(0.4 * draw(d, d), -1) + torch.diag(uniform(rng, d, low=0.5, high=1.5))

    def holds(shape: tuple[int, ...], eta: float, T: float, dtype: torch.dtype, *,
              energy: Energy | None = None, scale: float = 1.0, near: int = 0, size: float = 1.0,
              what: str = "", u: float | None = None, L: Tensor | None = None,
              noise: float | None = None) -> None:
        d = math.prod(shape[1:])
        energy = energy or bowl(d, rng, scale)
        L = factor(d) if L is None else L
        start = (size * draw(*shape)).clamp(-3 * size, 3 * size)
        x, z, L = (t.to(dtype).double() for t in (
            start, draw(*shape) if noise is None else torch.full(shape, noise), L))
        y, alpha = both_ways(energy, x, L, eta, T, z)
        chance = torch.rand(len(x), dtype=torch.float64, generator=rng) if u is None else (
            torch.full((len(x),), u, dtype=torch.float64))
        gap = 1e-6 if dtype == torch.float64 else 2e-3
        if near:
            chance = torch.where(alpha < 1 - 2 * gap, (alpha * (1 + near * gap)), chance)
        safe = (chance - alpha).abs() > gap / 2 * alpha.clamp(min=1e-3 if u is None else 0)
        aside = torch.where(alpha > 0.02, alpha / 2, alpha + 0.01)
        chance = torch.where(safe | (alpha == 0), chance, aside)
        new = torch.where(per_row(chance < alpha, x), y, x)
        what = (f" of a step from x of shape {shape}, eta = {eta:g}, T = {T:g}, energies of size "
                f"{scale:g}{what}")
        asked = Asked(energy)
        given = x.to(dtype), L.to(dtype)
        got = call(mala_step, asked, *given, eta, T, z.to(dtype), chance.to(dtype))
        got = expect_results(got, "the new x, alpha", 2)
        tolerance = 1e-7 if dtype == torch.float64 else 1e-3
        place = max(size, y[alpha > 0].abs().max().item() if (alpha > 0).any() else 0.0)
        expect_tensor("x" + what, got[0], shape, dtype, MALA_HINT)
        expect_tensor("alpha" + what, got[1], shape[:1], dtype, MALA_HINT)
        expect_close("alpha" + what, got[1], alpha, MALA_HINT, rtol=tolerance,
                     atol=1e-9 if dtype == torch.float64 else 1e-4, dtype=dtype)
        expect_close("the new x" + what, got[0], new, MALA_HINT, rtol=0, dtype=dtype,
                     atol=(1e-10 if dtype == torch.float64 else 1e-5) * place)
        stays = chance >= alpha
        assert torch.equal(got[0][stays], given[0][stays]), (
            f"the new x{what}: where u is not below alpha, x stays exactly what it was.")
        if near:                                      # once more, with the answer's own α for u
            bar = got[1].clamp(max=1 - gap)
            new, again = expect_results(call(mala_step, at_most(2, energy), *given, eta, T,
                                             z.to(dtype), bar), "the new x, alpha", 2)
            level = again == bar
            assert torch.equal(new[level], given[0][level]), (
                f"the new x{what}: where u is exactly alpha, it is not below alpha, and x stays.")
        assert len(asked.calls) == 2, (
            f"the energy{what}: expected two questions, about x and about y, got "
            f"{len(asked.calls)}. A question may be what a step costs.")
        for i, name in enumerate("xy"):
            place, = asked.calls[i]
            expect_tensor(f"what the energy is asked about {name}{what}", place, shape, dtype,
                          "All n of them at once, in their own shape.")
        expect_close(f"the energy was asked about x{what}", asked.calls[0][0], x, MALA_HINT, rtol=0,
                     atol=0)

    for dtype in BOTH:
        for shape in ((1,), (5,), (1, 1), (4, 1), (1, 3), (6, 3), (2, 1, 2, 2), (3, 2, 1, 1),
                      (4, 4, 2), (3, 2, 3), (3, 1, 2, 1, 2)):
            holds(shape, 0.3 + uniform(rng).item(), 0.3 + uniform(rng).item(), dtype)
        for eta, T in ((1e-3, 1.0), (0.1, 0.1), (0.5, 5.0), (2.0, 1.0), (1.0, 1e3)):
            for near in (1, -1):
                holds((6, 2), eta, T, dtype, near=near)
        holds((8, 3), 0.5, 0.7, dtype, near=-1, what=", u just below alpha")
        holds((8, 2), 1.0, 1.0, dtype, scale=1e3)
        holds((4, 2), 0.2, 1e3, dtype, scale=30.0)
        if dtype == torch.float64:                    # energies that differ by thousands
            holds((8, 2), 1e-4, 1.0, dtype, scale=1e4, size=3.0)
            holds((8, 2), 0.4, 1e-3, dtype)
            holds((4, 2), 0.2, 1e6, dtype, scale=1e3)
        for slope, u in ((math.nan, None), (math.nan, 0.0), (math.inf, None), (0.0, 0.0)):
            wall = walled(bowl(2, rng), 1.0, slope)   # α = 0 is never accepted
            holds((12, 2), 0.8, 1.0, dtype, energy=wall, size=0.3, u=u,
                  what=f", where the energy may be infinite and its gradient {slope}")
        for level, log_alpha, noise in ((-1e3, -0.5, 3.0), (-1e3, -900.0, -3.0), (-1e4, -0.7, 0.9),
                                        (1e3, -0.5, 50.0), (1e3, -0.2, -60.0)):
            cost = -level - log_alpha                 # of the way back, g (g - 4 noise) / 8
            slope = 2 * noise + math.sqrt(4 * noise**2 + 8 * cost)
            holds((2, 1), 1.0, 1.0, dtype, energy=beyond(level, slope), size=0.0, noise=noise,
                  L=torch.ones(1, 1).double(),
                  what=f", energies {-level:g} below, and log alpha = {log_alpha:g}")
        for log_alpha in (-12.0, -30.0, -80.0, *[-600.0] * (dtype == torch.float64)):
            for times in (0.5, 2.0):                  # a small alpha is no 0
                holds((2, 1), 1.0, 1.0, dtype, energy=beyond(-log_alpha, 0.0), size=0.0, noise=2.0,
                      L=torch.ones(1, 1).double(), u=times * math.exp(log_alpha),
                      what=f", log alpha = {log_alpha:g}, and u = {times:g} alpha")
        for size in (1e-8, 1e-4, 1e4, 1e8, 1e12, *[1e-40, 1e40] * (dtype == torch.float64)):
            holds((6, 2), 0.3 / size, size, dtype, scale=size)    # energies and a T of this size
        for level in (2.0, -1e7, 1e7, 1e30, 1e36):
            flat = lambda x: (torch.full(x.shape[:1], level, dtype=x.dtype), 0 * x)  # noqa: B023
            holds((5, 2), 0.7, 2.0, dtype, energy=flat, u=0.999,
                  what=f", an energy that is {level:g} everywhere")
        hill = lambda x: (-3 * rows(x).sum(1), 0 * x - 3)     # a slope: the step is exactly right
        holds((5, 3), 0.7, 1.0, dtype, energy=hill, L=0.5 * torch.eye(3).double(), u=0.9,
              what=", an energy that falls along a straight line")
    far = walled(lambda x: (0 * x[:, 0], torch.where(x > 0, 1e38, 0 * x)), 1e30, 0.0)
    holds((8, 1), 1.0, 1.0, torch.float32, energy=far, L=torch.full((1, 1), 10.0).double(),
          what=", where a proposal overflows and its energy is infinite")
    for T in (1e-3, 0.3):                             # a small difference of large energies
        high = lambda x: (1e9 + 0.7 * T * (rows(x) > 0).double().sum(1), 0 * x + T / 3)  # noqa: B023
        holds((8, 2), 1.0, T, torch.float64, energy=high, what=", energies near 1e9")
    for e in (1e-3, 1e-6):
        slanted = torch.tensor([[1, 0], [1, e]]).double()
        holds((8, 2), 0.5, 1.0, torch.float64, L=slanted,
              energy=lambda x: (rows(x).square().sum(1) / 2, x),
              what=f", L = {slanted.tolist()}")
    # Down a hill that grows steeper: much energy is lost, and the way back needs an unlikely noise.
    steeper = lambda x: (-rows(x).square().sum(1) / 40, -x / 20)
    holds((6, 1), 1.0, 1.0, torch.float64, energy=steeper, L=torch.ones(1, 1).double(), size=240.0,
          what=", an energy that falls more and more steeply")
