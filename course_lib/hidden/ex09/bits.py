"""Exercise 9, bits a dimension from several draws, against sums in plain numbers, and a density
whose integral over each cell is known."""
import math

import torch
from torch import Tensor

from course_lib.checks import at_most, call, expect_close, expect_tensor
from course_lib.checks.facts.callbacks import Asked
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH

HINT = ("The mean over K is of weights p(y)/q(u), within the logarithm; p(y) of integers and noise "
        "is p(v) of the model, times how much v changes with y, for each of d numbers.")


def check_bits_bound(bits_bound, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype in BOTH:
        for shape in ((3, 2, 4, 3), (1, 1, 1, 1), (1, 5), (4, 1), (2, 3)):
            for K, bits, low, high in ((1, 8, 0.0, 1.0), (4, 1, -1.0, 1.0), (3, 5, -0.5, 2.5)):
                _by_hand(bits_bound, rng, shape, K, bits, (low, high), dtype)
        for level in (-1e6, -1e4, -300.0, 300.0, 1e4, 1e6):
            _by_hand(bits_bound, rng, (3, 2), 5, 3, (-1.0, 1.0), dtype, level)
        for interval in ((-10.0, -9.0), (-10.0, 10.0)):
            _by_hand(bits_bound, rng, (2, 3), 2, 6, interval, dtype)
        _nowhere(bits_bound, rng, dtype)
    _by_hand(bits_bound, rng, (2, 3), 3, 16, (-1.0, 1.0), torch.float64)
    _by_hand(bits_bound, rng, (2, 3), 64, 2, (0.0, 1.0), torch.float64)
    _exact(bits_bound, rng)


def in_plain_numbers(log_p: list[list[float]], log_q: list[list[float]], d: int, bits: int,
                     low: float, high: float) -> Tensor:
    """Of each image, from its K log-densities: (n,) bits a dimension."""
    found = []
    per_cell = d * math.log((high - low) / 2**bits)
    for of_model, of_noise in zip(zip(*log_p), zip(*log_q)):
        logs = [p + per_cell - q for p, q in zip(of_model, of_noise)]
        top = max(logs)
        if top == -math.inf:
            found.append(math.inf)
            continue
        mean = sum(math.exp(t - top) for t in logs) / len(logs)
        found.append(-(top + math.log(mean)) / (d * math.log(2)))
    return torch.tensor(found, dtype=torch.float64)


def _by_hand(bits_bound, rng: torch.Generator, shape: tuple[int, ...], K: int, bits: int,
             interval: tuple[float, float], dtype: torch.dtype, level: float = 0.0) -> None:
    n, d, (low, high) = shape[0], math.prod(shape[1:]), interval
    x = torch.randint(0, 2**bits, shape, generator=rng)
    x.view(-1)[0] = 2**bits - 1
    u = uniform(rng, K, *shape, low=0.0, high=0.99).to(dtype)
    log_q = torch.randn(K, n, dtype=torch.float64, generator=rng).to(dtype)
    weight = torch.randn(shape[1:], dtype=torch.float64, generator=rng)
    centre, size = (low + high) / 2, high - low

    def of_model(v: Tensor) -> Tensor:
        """A density that none of the numbers of v may leave out; (m,) for (m, …)."""
        inner = ((v.double() - centre) / size * weight).flatten(1).sum(1)
        return (level + 3 * torch.sin(2 * inner) + inner).to(v.dtype)

    # What an answer may not change stays with us, too.
    kept = []

    def log_p(v: Tensor) -> Tensor:
        said = of_model(v)
        kept.append((said, said.clone()))
        return said

    asked = Asked(log_p)
    got = call(bits_bound, asked, x, u, log_q, bits, low, high)
    what = (f"bits a dimension, images of shape {shape[1:]}, n = {n}, K = {K}, {bits} bits, v in "
            f"[{low:g}, {high:g})" + (f", log p of about {level:g}" if level else ""))
    expect_tensor(what, got, (n,), dtype, "There is one number an image.")
    assert all(torch.equal(said, before) for said, before in kept), (
        "what log_p returned was changed in place: it is not yours to change.")
    wanted = low + size * (x.double() + u.double()) / 2**bits
    right = in_plain_numbers([of_model(v.to(dtype)).double().tolist() for v in wanted],
                             log_q.double().tolist(), d, bits, low, high)
    largest = max(1.0, abs(level) / d, right.abs().max().item())
    fine = 1e-10 if dtype == torch.float64 else 1e-5
    _asked_well(asked, wanted, shape, dtype, size, max(abs(low), abs(high)))
    expect_close(what, got, right, HINT, rtol=0, atol=fine * largest, dtype=dtype)


def _asked_well(asked: Asked, wanted: Tensor, shape: tuple[int, ...], dtype: torch.dtype,
                size: float, most: float) -> None:
    """Each of the K n noisy images once, in any order and in one call or in many."""
    for args in asked.calls:
        about = args[0]
        expect_tensor("what log_p is asked about", about, (len(about), *shape[1:]), dtype,
                      "Images as they are, (m, ...), in the dtype of u.")
    rows = torch.cat([args[0] for args in asked.calls]) if asked.calls else wanted[:0, 0]
    K, n = wanted.shape[:2]
    assert len(rows) == K * n, (
        f"log_p was asked about {len(rows)} images in all: expected each of {K} times {n} once.")
    right, rows = wanted.flatten(0, 1).flatten(1), rows.double().flatten(1)
    apart = (right[:, None] - rows).abs().amax(2)
    fits = apart < (1e-12 if dtype == torch.float64 else 1e-6) * max(size, most)
    if not fits.any(1).all():
        j = (~fits.any(1)).nonzero()[0].item()
        near = rows[apart[j].argmin(), 0].item()
        raise AssertionError(
            f"log_p was never asked about the image whose first number is {right[j, 0].item():.9g}:"
            f" next to it came {near:.9g}. v = low + (high - low) (x + u) / 2^bits.")


def _nowhere(bits_bound, rng: torch.Generator, dtype: torch.dtype) -> None:
    """Draws at which the density is 0; all draws of one image."""
    x = torch.tensor([[0, 1], [3, 2], [1, 1]])
    u = uniform(rng, 3, 3, 2).to(dtype)
    log_q = torch.randn(3, 3, generator=rng).to(dtype)
    zero = torch.tensor([[False, True, False], [True, True, False], [False, True, False]])
    places = (x + u.double()) / 4

    def log_p(v: Tensor) -> Tensor:
        apart = (places - v.double()[:, None, None]).abs().amax(3).flatten(1)
        at = zero.flatten()[apart.argmin(1)]
        return torch.where(at, -math.inf, v.sum(1))

    model = torch.where(zero, -math.inf, places.sum(2)).tolist()
    right = in_plain_numbers(model, log_q.double().tolist(), 2, 2, 0.0, 1.0)
    got = call(bits_bound, at_most(len(u) * len(x), log_p), x, u, log_q, 2, 0.0, 1.0)
    expect_close("bits a dimension where the density is 0 at some draws, and at all of image 1",
                 got, right, "Such a draw has the weight 0; the image that has no "
                 "other is coded with infinitely many bits.", dtype=dtype)


def _exact(bits_bound, rng: torch.Generator) -> None:
    """Noise from the model's own density within the cell: each draw gives log P(x) itself."""
    d, bits, K = 3, 4, 2
    x = torch.randint(0, 2**bits, (5, d), generator=rng)
    y = uniform(rng, K, 5, d, low=0.0, high=1.0)
    # p(v) = Π 2 v on [0, 1): P(x) = Π ((x + 1)² − x²) / 4^bits, and u by its inverse cdf
    mass = ((x + 1.0).double() ** 2 - x.double() ** 2)
    u = (x.double() ** 2 + y * mass).sqrt() - x
    log_q = (2 * (x + u) / mass).log().sum(2)
    density = at_most(len(u) * len(x), lambda v: (2 * v).log().sum(1))
    got = call(bits_bound, density, x, u, log_q, bits, 0.0, 1.0)
    right = -(mass.log2() - 2 * bits).sum(1) / d
    expect_close("bits a dimension with noise from the model's own density within each cell", got,
                 right, "Then the bound is -log P(x) itself: with P(x) the integral over the cell.",
                 rtol=1e-10, atol=1e-10, dtype=torch.float64)
