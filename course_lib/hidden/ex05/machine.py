"""The facts of a machine whose hidden units take two levels: its free energy, enumerated, and a
step of block Gibbs sampling that holds what is known."""
import itertools
import math
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_results, expect_tensor
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same

FREE_HINT = ("F = -T log sum_h exp(-E(v, h) / T). The sum over the levels of each h_j can be done "
             "alone: exp(lo x_j / T) + exp(hi x_j / T), x = c + v W, inside a logarithm that does "
             "not overflow.")
GIBBS_HINT = ("First all of h given v: P(h_j = hi) / P(h_j = lo) = exp((hi - lo) x_j / T), x = c + "
              "v W. Then all of v given this h: P(v_i = +1) / P(v_i = -1) = exp(2 y_i / T), y = b "
              "+ W h. A unit takes its upper value where u < P, and a known one keeps its own.")
SOFTPLUS = 5e-9                            # beyond 20 torch's softplus is off by 2e-9
SHAPES = ((1,), (4,), (1, 1), (3, 1), (1, 5), (4, 3), (2, 1, 2, 2), (1, 2, 2, 1),
          (3, 3, 2), (2, 1, 2, 1, 2))


class Machine(NamedTuple):
    W: Tensor
    b: Tensor
    c: Tensor

    @classmethod
    def draw(cls, rng: torch.Generator, d: int, m: int, scale: float = 1.0) -> "Machine":
        """float64"""
        return cls(*(scale * torch.randn(*shape, dtype=torch.float64, generator=rng)
                     for shape in ((d, m), (d,), (m,))))


def all_of(values: tuple[float, ...], n: int) -> Tensor:
    return torch.tensor([*itertools.product(values, repeat=n)], dtype=torch.float64)


def levels(rng: torch.Generator) -> list[tuple[float, float]]:
    """Both of one sign, of two signs, the common ones, and far from and close to each other."""
    low = -uniform(rng).item()
    return [(low, 1.0 + uniform(rng).item()), (0.0, 1.0), (-1.0, 1.0), (0.5, 2.0), (-3.0, -1.0),
            (low, low + 1e-3)]


def by_enumeration(v: Tensor, W: Tensor, b: Tensor, c: Tensor, lo: float, hi: float,
                   T: float) -> Tensor:
    """−T log of the sum over all 2^m hidden states."""
    h = all_of((lo, hi), len(c))
    rows = v.reshape(len(v), -1)
    E = torch.stack([torch.stack([-(row @ W @ state) - row @ b - c @ state for state in h])
                     for row in rows])
    return -T * torch.logsumexp(-E / T, 1)


def unit_after_unit(v: Tensor, W: Tensor, b: Tensor, c: Tensor, lo: float, hi: float,
                    T: float) -> Tensor:
    """The same for many units, each of which is enumerated alone."""
    rows = v.reshape(len(v), -1)
    alone = [by_enumeration(rows, W[:, j:j + 1], 0 * b, c[j:j + 1], lo, hi, T)
             for j in range(len(c))]
    return sum(alone) - rows @ b


def check_free_energy(free_energy, seed: int = 0) -> None:
    rng = seeded(seed)

    def holds(shape: tuple[int, ...], m: int, lo: float, hi: float, T: float, dtype: torch.dtype,
              scale: float = 1.0, wrt: tuple[int, ...] = (), rows: float = 1.0,
              off: bool = False, blank: bool = False) -> None:
        d = math.prod(shape[1:])
        W, b, c = Machine.draw(rng, d, m, scale)
        if off:                                       # a hidden unit that nothing drives
            W[:, 0], c[0] = 0, 0
        v = rows * torch.randn(shape, dtype=torch.float64, generator=rng).sign()
        if rows == 1 and len(shape) == 2:             # grey pictures
            v = v * uniform(rng, *shape)
        if blank:                                     # pictures of which some drive nothing
            v[::2], c = 0, 0 * c
        args = *(t.to(dtype) for t in (v, W, b, c)), lo, hi, T
        size = rows * scale * (d + 1) * max(abs(lo), abs(hi), 1.0)
        what = (f" of v of shape {shape}, {m} hidden units at {lo:g} or {hi:g}, T = {T:g}, "
                f"parameters of size {scale:g}")
        expect_tensor(f"F{what}", call(free_energy, *args), shape[:1], dtype, FREE_HINT)
        same(free_energy, by_enumeration if m < 9 else unit_after_unit, args, ("F",), FREE_HINT,
             wrt=wrt, slope=size, tolerance=SOFTPLUS if dtype == torch.float64 else 1e-4, what=what)

    for dtype in BOTH:
        precise = dtype == torch.float64
        every = (0, 1, 2, 3) if precise else (0,)
        for i, shape in enumerate(SHAPES):
            lo, hi = levels(rng)[i % 6]
            holds(shape, 1 + i % 4, lo, hi, 0.3 + uniform(rng).item(), dtype, wrt=every)
        for T in (1e-6, 1e-2, 1e2, 1e6):
            holds((3, 2), 3, -1.0, 1.5, T, dtype, wrt=(1, 3) if precise else ())
        for scale in (1e-6, 1e2, 1e4):
            holds((2, 3), 2, -0.5, 1.0, 1.0, dtype, scale=scale, wrt=(0, 1) if precise else ())
        for lo, hi in ((1.0, 2.0), (-2.0, -1.0)):     # no level is near 0: which term is large
            holds((3, 2), 2, lo, hi, 1.0, dtype, scale=1e4, wrt=(3,))
        holds((2, 2, 1), 2, -1.0, 2.0, 0.5, dtype, rows=1e4, wrt=(1,))
        for lo, hi, T in ((-1.0, 2.0, 2.0), (0.0, 1.0, 0.5), (0.5, 2.0, 1e6)):
            holds((3, 2), 2, lo, hi, T, dtype, off=True, wrt=(0, 1, 3))
            holds((3, 2), 2, lo, hi, T, dtype, blank=True, wrt=(0, 1, 3))
        for T in (1e-6, 1e-3, 1e3, 1e6):
            holds((2, 5), 2, -1.0, 2.0, T, dtype, scale=1e4, wrt=(3,))
    holds((3, 2), 2, -1.0, 2.0, 1e-6, torch.float64, off=True, wrt=(0, 1, 3))
    holds((1, 2), 200, -1.0, 1.5, 0.7, torch.float32, scale=1e-3)
    holds((2, 3), 100, -1.0, 1.5, 0.7, torch.float64)


class Step(NamedTuple):
    """What a step of block Gibbs sampling finds, and how far its uniforms are from a change."""

    h: Tensor
    v: Tensor


def upper(log_odds: float) -> float:
    """Of the two values of a unit, the probability of the upper one."""
    if log_odds > 0:
        return 1 / (1 + math.exp(-log_odds))
    return math.exp(log_odds) / (1 + math.exp(log_odds)) if log_odds > -745 else 0.0


def apart(u: float, p: float, dtype: torch.dtype, near: int) -> float:
    """A uniform near u at which p decides safely; near = ±1: just above and below p itself."""
    gap = 1e-9 if dtype == torch.float64 else 1e-4
    if u < 1e-6:                                      # beside p as it is, however small
        return 2 * u if 0.9 < (p + 1e-300) / (u + 1e-300) < 1.1 else u
    if near and 1e-3 < p < 1 - 1e-3:
        return p * (1 + near * gap)
    if p == 0.5 and u == 0.5:                         # exactly: nothing drives this unit
        return u
    if abs(u - p) < 10 * gap:
        return p + 10 * gap if p + 10 * gap < 1 else p - 10 * gap
    return u


def unit_by_unit(v: Tensor, known: Tensor, machine: Machine, lo: float, hi: float, T: float,
                 u_h: Tensor, u_v: Tensor, dtype: torch.dtype, near: int) -> Step:
    """The step; sets each uniform apart from its probability, in place."""
    W, b, c = machine
    n, d = len(v), len(b)
    rows, mask, u_rows = v.reshape(n, d), known.reshape(n, d), u_v.view(n, d)
    h, new = torch.zeros(n, len(c), dtype=torch.float64), rows.clone()
    for s in range(n):
        for j in range(len(c)):
            x = math.fsum([c[j].item(), *(rows[s] * W[:, j]).tolist()])
            p = upper((hi - lo) * x / T)
            u_h[s, j] = apart(u_h[s, j].item(), p, dtype, near * (-1) ** j)
            h[s, j] = hi if u_h[s, j].item() < p else lo
        for i in range(d):
            y = math.fsum([b[i].item(), *(W[i] * h[s]).tolist()])
            p = upper(2 * y / T)
            u_rows[s, i] = apart(u_rows[s, i].item(), p, dtype, near * (-1) ** i)
            if not mask[s, i]:
                new[s, i] = 1.0 if u_rows[s, i].item() < p else -1.0
    return Step(h, new.reshape(v.shape))


def check_gibbs_step(gibbs_step, seed: int = 0) -> None:
    rng = seeded(seed)

    def holds(shape: tuple[int, ...], m: int, lo: float, hi: float, T: float, dtype: torch.dtype,
              scale: float = 1.0, share: float = 0.4, near: int = 0, off: bool = False,
              end: float | None = None, grey: float = 1.0) -> None:
        n, d = shape[0], math.prod(shape[1:])
        machine = Machine(*(t.to(dtype).double() for t in Machine.draw(rng, d, m, scale)))
        if off:
            machine.W.zero_(), machine.b.zero_(), machine.c.zero_()
        v = torch.randn(shape, dtype=torch.float64, generator=rng).sign()
        known = torch.rand(shape, generator=rng) < share
        v = torch.where(known, v * uniform(rng, *shape) * grey, v) if share < 1 else v
        v = v.to(dtype).double()
        u_h, u_v = (torch.rand(size, dtype=torch.float64, generator=rng)
                    for size in ((n, m), shape))
        if off:
            u_h[::2], u_v[::2] = 0.5, 0.5
        if end is not None:
            u_h.fill_(end), u_v.fill_(end)
        right = unit_by_unit(v, known, machine, lo, hi, T, u_h, u_v, dtype, near)
        W, b, c = (t.to(dtype) for t in machine)
        what = (f" of a step from v of shape {shape}, {m} hidden units at {lo:g} or {hi:g}, T = "
                f"{T:g}, parameters of size {scale:g}, {int(known.sum())} of {known.numel()} known"
                + (", uniforms close to the probabilities" if near else "")
                + (", no parameter but 0, uniforms of 0.5" if off else ""))
        got = call(gibbs_step, v.to(dtype), known, W, b, c, lo, hi, T, u_h.to(dtype), u_v.to(dtype))
        got = expect_results(got, "h, the new v", 2)
        for name, a, b in zip(("h", "v"), got, right):
            expect_tensor(name + what, a, tuple(b.shape), dtype, GIBBS_HINT)
            expect_close(name + what, a, b.to(dtype), GIBBS_HINT, atol=0, rtol=0, dtype=dtype)

    def decided(odds: list[float], T: float, dtype: torch.dtype, times: tuple) -> None:
        """Units of these log odds, and uniforms just below and above their P."""
        lo, hi = levels(rng)[0]
        odds, n = torch.tensor(odds, dtype=torch.float64), len(odds)
        u = torch.stack([odds.sigmoid() * factor for factor in times])
        right = torch.tensor([[True], [False]]).expand(2, n)
        v, W = -torch.ones(2, n, dtype=dtype), torch.zeros(n, n, dtype=dtype)
        b, c = (odds * T / 2).to(dtype), (odds * T / (hi - lo)).to(dtype)
        got = call(gibbs_step, v, torch.zeros(2, n, dtype=torch.bool), W, b, c, lo, hi, T,
                   u.to(dtype), u.to(dtype))
        got = expect_results(got, "h, the new v", 2)
        for name, a, up, low in zip(("h", "v"), got, (hi, 1.0), (lo, -1.0)):
            expect_close(f"{name} where log P/(1 - P) is {odds.tolist()} and u is {times} P; "
                         f"T = {T:g}", a, torch.where(right, up, torch.full_like(u, low)).to(dtype),
                         GIBBS_HINT + " A small P is no 0.", atol=0, rtol=0, dtype=dtype)

    def far(lo: float, hi: float, taken: float) -> None:
        """A level of 0.1 drives v, whatever the other one is: P(v = 1) = σ(0.6) = 0.6457."""
        one, T = torch.ones(2, 1, dtype=torch.float64), 0.1
        u = torch.tensor([[0.645], [0.646]], dtype=torch.float64)
        c = one[0] * (0.0 if taken == hi else -2.0)
        h, new = expect_results(call(gibbs_step, one, one < 0, one[:1], one[0] * (0.3 * T - taken),
                                     c, lo, hi, T, one / 2, u), "h, the new v", 2)
        for name, a, b in (("h", h, taken * one), ("v", new, (u < 0.6457) * 2.0 - 1)):
            expect_close(f"{name} for levels {lo:g}, {hi:g}, where h = {taken:g}", a, b, GIBBS_HINT,
                         atol=0, rtol=0)

    def certain(dtype: torch.dtype) -> None:
        """Units whose upper value has P = 1, and the largest uniform below 1."""
        lo, hi = levels(rng)[0]
        u = torch.full((2, 2), 1 - torch.finfo(dtype).eps / 2, dtype=dtype)
        v, c = -torch.ones(2, 2, dtype=dtype), torch.tensor([100.0, 1e4], dtype=dtype)
        h, new = expect_results(call(gibbs_step, v, v > 0, torch.diag(0 * c), c, c / (hi - lo), lo,
                                     hi, 1.0, u, u), "h, the new v", 2)
        for name, a, up in (("h", h, hi), ("v", new, 1.0)):
            expect_close(f"{name} where P is 1 and u the largest number below 1", a,
                         torch.full_like(u, up), GIBBS_HINT, atol=0, rtol=0, dtype=dtype)

    def balanced(dtype: torch.dtype) -> None:
        """What drives a unit at a low T cancels to the last digit: P is 1/2."""
        level, T = uniform(rng, 2, 1, low=0.2).to(dtype), 1e-2 if dtype == torch.float32 else 1e-6
        W = 1e4 * torch.tensor([[1, 1, -1, -1]], dtype=dtype)
        u = torch.tensor([[0.1, 0.9, 0.1, 0.9]], dtype=dtype)
        up, known = u < 0.5, torch.ones(1, 1, dtype=torch.bool)
        for x in level:                                          # of a known number; of a level
            h, _ = expect_results(call(gibbs_step, x[None], known, W, x, -(x * W)[0], -1.0, 1.0, T,
                                       u, u[:, :1]), "h, the new v", 2)
            expect_close(f"h where c is -v W, T = {T:g}", h, up.to(dtype) * 2 - 1, GIBBS_HINT,
                         atol=0, rtol=0, dtype=dtype)
            _, new = expect_results(
                call(gibbs_step, u.sign(), u > 2, W.T, -(x * W)[0], 4 * abs(W).sum(1), -1.0,
                     x.item(), T, u[:, :1], u), "h, the new v", 2)
            expect_close(f"v where b is -W h, T = {T:g}", new, up.to(dtype) * 2 - 1, GIBBS_HINT,
                         atol=0, rtol=0, dtype=dtype)

    for dtype in BOTH:
        certain(dtype)
        balanced(dtype)
        for i, shape in enumerate(SHAPES):
            lo, hi = levels(rng)[i % 5]
            holds(shape, 1 + i % 4, lo, hi, 0.3 + uniform(rng).item(), dtype)
        for near in (1, -1):
            for T in (0.7, 3.0):
                holds((16, 3), 4, -0.5, 1.5, T, dtype, near=near, scale=0.6)
        for share in (0.0, 1.0):
            holds((5, 2, 3), 3, -1.0, 2.0, 0.8, dtype, share=share)
        holds((8, 2), 4, -1.0, 2.0, 0.5, dtype, off=True, share=0.2)
        for scale, T in ((1e4, 1.0), (1e-2, 1e-6), (1e2, 1e6)):
            holds((6, 4), 3, -1.0, 1.0, T, dtype, scale=scale)
        holds((3, 3), 3, -1.0, 1.0, 2.0, dtype, scale=0.5, end=0.0)
        holds((5, 3), 2, -70.0, 90.0, 40.0, dtype, grey=100.0)
        for lo, hi in ((-1000.0, 0.1), (0.1, 1e6), (-1e-6, 1 / 3)):
            holds((8, 2), 4, lo, hi, 1e3, dtype)
        for T in (1e-6, 0.7, 1e6):
            lowest = [-100.0, -300.0, -600.0] * (dtype == torch.float64)
            decided([-12.0, -20.0, -40.0, -85.0, *lowest], T, dtype, (0.5, 2.0))
    for T in (1e-3, 1.0, 1e3):
        decided([4.0, -2.0, -6.0, -8.0, -10.5, -13.0], T, torch.float64, (1 - 1e-7, 1 + 1e-7))
    far(-1e15, 0.1, 0.1)
    far(0.1, 1e15, 0.1)
    holds((6, 3), 4, -1.0, 1.0, 1.0, torch.float64, scale=20.0, end=1e-10)
