"""The facts of draws from a correlated Gaussian, and of their log-density."""
import math

import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_results
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same

HINT = ("L is lower triangular, filled row by row; its diagonal is floor + softplus(a). z = mu + L "
        "eps, and log q(z) = -|eps|^2/2 - sum log L_jj - d/2 log(2 pi).")
NAMES = "z", "log q"


def number_by_number(mu: Tensor, a: Tensor, eps: Tensor, floor: float) -> tuple[Tensor, Tensor]:
    K, n, d = eps.shape
    z, log_q = [], []
    for k in range(K):
        for i in range(n):
            at, point, height = 0, [], torch.tensor(
                -d / 2 * math.log(2 * math.pi), dtype=torch.float64)
            for row in range(d):
                value = mu[i, row]
                for column in range(row + 1):
                    entry = a[i, at]
                    if column == row:
                        entry = floor + entry.clamp(min=0) + torch.log1p(torch.exp(-entry.abs()))
                        height = height - entry.log()
                    value = value + entry * eps[k, i, column]
                    at += 1
                height = height - eps[k, i, row] ** 2 / 2
                point.append(value)
            z.append(torch.stack(point))
            log_q.append(height)
    return torch.stack(z).reshape(K, n, d), torch.stack(log_q).reshape(K, n)


def check_reparametrise(reparametrise, seed: int = 0) -> None:
    rng = seeded(seed)
    normal = lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng)
    some = uniform(rng, low=0.02, high=0.1).item()

    def holds(K: int, n: int, d: int, floor: float, dtype: torch.dtype, *, far: float = 1.0,
              size: float = 1.0, noise: float = 1.0, shift: float = 0.0,
              slopes: bool = True) -> None:
        a = (shift + size * normal(n, d * (d + 1) // 2)).clamp(-15, 15)
        eps = (noise * normal(K, n, d)).clamp(-100, 100)
        args = [arg.to(dtype) for arg in (far * normal(n, d), a, eps)]
        what = (f" of {K} draws for {n} rows, d = {d}, floor = {floor:.3g}, mu of size {far:g}, "
                f"a of size {max(size, abs(shift)):g}, eps of size {noise:g}")
        tolerance = 1e-10 if dtype == torch.float64 else 1e-5
        same(reparametrise, number_by_number, (*args, floor), NAMES, HINT, what=what,
             tolerance=tolerance, wrt=(0, 1) if slopes else ())
        if slopes:
            same(reparametrise, number_by_number, (*args, floor), NAMES, HINT, what=what, wrt=(1,),
                 of=(1,), tolerance=tolerance)

    for dtype in BOTH:
        for K, n, d in ((2, 3, 3), (1, 1, 1), (1, 2, 4), (3, 1, 2), (4, 5, 1), (3, 3, 3),
                        (1, 3, 5)):
            holds(K, n, d, some, dtype)
        for floor in (1e-3, 1.0, 1e2):
            holds(2, 2, 3, floor, dtype, slopes=floor < 2)
        for far in (0.0, 1e2, 1e4):                  # what is lost in z is not lost in log q
            for floor in (1e-3, some):
                holds(2, 2, 2, floor, dtype, far=far, shift=-8.0, slopes=False)
        for shift in (-15.0, -14.0, -5.0, 5.0, 14.0, 15.0):
            holds(2, 2, 3, some, dtype, shift=shift, far=0.0)
        holds(2, 2, 3, 1e-3, dtype, size=6.0)
        holds(1, 1, 10, 1e-3, dtype, shift=-14.0, far=0.0, noise=0.1)
        for noise in (0.0, 1e-3, 25.0, 100.0):
            holds(2, 3, 2, some, dtype, noise=noise, far=0.0)
    for d, floor, dtype in ((20, 1e-3, torch.float32), (20, 1e2, torch.float32),
                            (110, 1e-3, torch.float64)):
        _many(reparametrise, rng, d, floor, dtype)


def _many(reparametrise, rng: torch.Generator, d: int, floor: float, dtype: torch.dtype) -> None:
    """So many dimensions that det L itself is no number of the dtype."""
    a = uniform(rng, 1, d * (d + 1) // 2, low=-15, high=-14).to(dtype)
    mu, eps = torch.zeros(1, d, dtype=dtype), torch.randn(1, 1, d, generator=rng).to(dtype)
    z, log_q = expect_results(call(reparametrise, mu, a, eps, floor), "z, log q", 2)
    L = torch.zeros(d, d, dtype=torch.float64)
    L[*torch.tril_indices(d, d)] = a[0].double()
    diagonal = floor + L.diagonal().exp().log1p()
    L = L.tril(-1) + diagonal.diag()
    right = -eps.double().square().sum() / 2 - diagonal.log().sum() - d / 2 * math.log(2 * math.pi)
    what, fine = f" of d = {d}, floor = {floor:g}", 1e-10 if dtype == torch.float64 else 1e-5
    expect_close(f"log q{what}", log_q, right.reshape(1, 1), HINT, rtol=fine, atol=d * fine,
                 dtype=dtype)
    expect_close(f"z{what}", z, (L @ eps[0, 0].double()).reshape(1, 1, d), HINT, rtol=fine,
                 atol=15 * d * fine, dtype=dtype)
