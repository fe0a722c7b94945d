"""The facts of a pyramid: one matrix a direction for d, one for u, and what they make of bands."""
import torch
from torch import Tensor

from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same


def of_d(n: int, w: float) -> Tensor:
    """d in one direction, as a matrix (⌈n/2⌉, n)."""
    matrix = torch.zeros((n + 1) // 2, n, dtype=torch.float64)
    for i in range(len(matrix)):
        for step, weight in ((-1, w), (0, 1 - 2 * w), (1, w)):
            matrix[i, min(max(2 * i + step, 0), n - 1)] += weight
    return matrix


def of_u(n: int) -> Tensor:
    """u in one direction, as a matrix (n, ⌈n/2⌉)."""
    matrix = torch.zeros(n, (n + 1) // 2, dtype=torch.float64)
    for i in range(n):
        matrix[i, i // 2] += 0.5
        matrix[i, min((i + 1) // 2, matrix.shape[1] - 1)] += 0.5
    return matrix


def larger(x: Tensor, size: tuple[int, int]) -> Tensor:
    return of_u(size[0]) @ x @ of_u(size[1]).T


def bands_of(x: Tensor, n: int, w: float) -> tuple[Tensor, ...]:
    found = []
    for _ in range(n):
        small = of_d(x.shape[2], w) @ x @ of_d(x.shape[3], w).T
        found.append(x - larger(small, x.shape[2:]))
        x = small
    return *found, x


def check_pyramid(pyramid, seed: int = 0) -> None:
    rng = seeded(seed)
    hint = ("Repeat the border by one pixel, blur with w, 1 - 2w, w, keep every second pixel from "
            "the first on, and subtract up(small, size) from the picture of this level.")
    for dtype in BOTH:
        for shape, n, w, scale in (((1, 1, 1, 1), 2, 0.25, 1), ((2, 3, 5, 8), 3, 0.25, 1),
                                   ((1, 2, 7, 1), 2, 0.1, 1e6), ((3, 1, 1, 6), 3, 1 / 3, 1e-12),
                                   ((2, 2, 12, 9), 4, uniform(rng, low=0.05, high=0.45).item(), 30),
                                   ((1, 3, 2, 2), 1, 0.5, 1), ((2, 1, 4, 3), 2, 0.0, 1),
                                   ((2, 2, 3, 4), 0, 0.25, 1), ((1, 5, 3, 10), 1, 0.01, 100)):
            x = scale * (torch.randn(shape, dtype=torch.float64, generator=rng) + 1)
            names = (*(f"h_{k}" for k in range(n)), f"I_{n}")
            same(pyramid, bands_of, (x.to(dtype), n, w), names, hint, wrt=(0,), slope=1,
                 size=scale, of=tuple(range(n + 1)), what=f" of a picture {shape}, w = {w:.3f}")
    x = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    x[0, 0, ::2] = 1                                  # rows that alternate vanish under w = 1/4
    same(pyramid, bands_of, (x, 1, 0.25), ("h_0", "I_1"), hint, what=" of rows that alternate")


def combined(gains: Tensor, *bands: Tensor) -> Tensor:
    """The sum over the levels, each carried up alone."""
    total = 0
    for k, band in enumerate(bands):
        carried = torch.stack([gain * picture for gain, picture in zip(gains[:, k], band)])
        for finer in reversed(bands[:k]):
            carried = larger(carried, finer.shape[2:])
        total = total + carried
    return total


def check_reconstruct(reconstruct, seed: int = 0) -> None:
    rng = seeded(seed)
    hint = ("Start with g_n times the coarsest picture; then, level by level, u of what is there "
            "plus the picture's own gain times the band, the coarse bands first.")
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=rng)
    for dtype in BOTH:
        for batch, channels, sizes, scale in (
                (1, 1, [(1, 1)], 1), (3, 2, [(2, 5)], 1), (2, 3, [(5, 4), (3, 2)], 1e5),
                (2, 1, [(1, 7), (1, 4), (1, 2), (1, 1)], 1e-12),
                (1, 2, [(9, 12), (5, 6), (3, 3)], 1),
                (4, 1, [(4, 2), (2, 1), (1, 1)], 40), (2, 2, [(3, 3), (2, 2), (1, 1), (1, 1)], 1)):
            bands = [(scale * draw(batch, channels, *size)).to(dtype) for size in sizes]
            gains = 3 * draw(batch, len(sizes))
            gains[0, 0], gains[-1, -1] = 0, 1
            args = gains.to(dtype), *bands
            same(reconstruct, combined, args, ("the picture",), hint, slope=scale,
                 wrt=tuple(range(len(args))) if dtype == torch.float64 else (0,),
                 what=f" of {len(bands)} levels, the finest {tuple(bands[0].shape)}")
