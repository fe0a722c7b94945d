"""Exercise 8, interpolation and edits on the sphere: pairs are made from the angle between them,
so that the answer is known without any division."""
import math

import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_refusal, expect_tensor
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same

ARC = ("The unit vector at the angle λθ from u on the arc to v, times the power mean of the "
       "lengths.")
EDIT = ("Unit vectors first; the differences are added as they are, with their strengths; then "
        "rotate by min(λθ, most) from the picture towards the sum.")


def frames(rng: torch.Generator, n: int, d: int) -> tuple[Tensor, Tensor]:
    """Pairs of orthonormal vectors, (n, d) each, float64; d at least 2."""
    q = torch.linalg.qr(torch.randn(n, d, 2, dtype=torch.float64, generator=rng)).Q
    return q[..., 0].contiguous(), q[..., 1].contiguous()


def lengths(rng: torch.Generator, n: int) -> Tensor:
    """From 1.1e-3 to 900, (n, 1)."""
    return 10 ** uniform(rng, n, 1, low=math.log10(1.1e-3), high=math.log10(900))


def on_arc(u: Tensor, w: Tensor, angle: Tensor) -> Tensor:
    return angle[:, None].cos() * u + angle[:, None].sin() * w


def power_mean(a: Tensor, b: Tensor, share: Tensor, power: float) -> Tensor:
    return ((1 - share[:, None]) * a ** power + share[:, None] * b ** power) ** (1 / power)


def arc(x: Tensor, y: Tensor, share: Tensor, power: float) -> Tensor:
    """From the part of y that is across x; for angles that are neither small nor nearly π."""
    size = lambda z: z.square().sum(1, keepdim=True).sqrt()
    u, v = x / size(x), y / size(y)
    across = v - (u * v).sum(1, keepdim=True) * u
    theta = torch.acos((u * v).sum(1))
    mean = ((1 - share[:, None]) * size(x) ** power + share[:, None] * size(y) ** power)
    return mean ** (1 / power) * on_arc(u, across / size(across), share * theta)


def check_interpolate(interpolate, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype in BOTH:
        tolerance = 2e-6 if dtype == torch.float32 else 1e-10
        for n, d in ((7, 5), (1, 2), (1, 6), (4, 2)):
            _known_arcs(interpolate, rng, n, d, dtype, tolerance)
        _in_one_dimension(interpolate, rng, dtype, tolerance)
        _slopes(interpolate, rng, dtype)
        _opposite(interpolate, rng, dtype)
    _small_moves(interpolate, rng)


def _known_arcs(interpolate, rng: torch.Generator, n: int, d: int, dtype: torch.dtype,
                tolerance: float) -> None:
    u, w = frames(rng, n, d)
    wide = uniform(rng, n, low=0.1, high=2.9)
    tiny = 10 ** uniform(rng, n, low=-9.0, high=-2.0)
    between = torch.where(torch.arange(n) % 3 == 0, wide, torch.where(
        torch.arange(n) % 3 == 1, tiny, 0 * wide))
    cases = [(wide, ""), (between, ", some with small angles or none"), (tiny, ", small angles"),
             (0 * wide, ", vectors of one direction"),
             (0 * wide + 9e-5, ", angles of 9e-5"), (0 * wide + 9e-4, ", angles of 9e-4"),
             (0 * wide + 0.02, ", angles of 0.02")]
    cases.append((0 * wide + math.pi - 1.1e-3, ", angles just below π"))
    for theta, what in cases:
        for power in (1, 2, 3.5):
            a, b, share = lengths(rng, n), lengths(rng, n), uniform(rng, n, low=0.0, high=1.0)
            if power == 2:
                share[0], b = 0.0, a * uniform(rng, n, 1, low=0.7, high=1.4).clamp(max=1.1)
                share[-1] = 1.0 if n > 1 else 0.5
            x, y = (a * u).to(dtype), (b * on_arc(u, w, theta)).to(dtype)
            got = call(interpolate, x, y, share.to(dtype), power)
            expect_tensor(f"what lies between{what}", got, (n, d), dtype, "It is as x is.")
            length = power_mean(a, b, share.to(dtype).double(), power)
            expected = on_arc(u, w, share.to(dtype).double() * theta)
            loose = 1 if dtype == torch.float64 else 10
            loose *= 1 if "below π" not in what else 10 if dtype == torch.float64 else 250
            expect_close(f"what lies between, in units of its length, with the power {power}{what}",
                         got.double() / length, expected, ARC, rtol=0, atol=loose * tolerance)


def _in_one_dimension(interpolate, rng: torch.Generator, dtype: torch.dtype,
                      tolerance: float) -> None:
    for n in (4, 1):
        a, b, share = lengths(rng, n), lengths(rng, n), uniform(rng, n)
        sign = 1 - 2 * (torch.arange(n) % 2).double()[:, None]
        got = call(interpolate, (sign * a).to(dtype), (sign * b).to(dtype), share.to(dtype), 4)
        expected = sign * power_mean(a, b, share, 4)
        expect_close("what lies between numbers, d = 1, with the power 4", got, expected, ARC,
                     rtol=10 * tolerance, atol=0, dtype=dtype)


def _small_moves(interpolate, rng: torch.Generator) -> None:
    """The move itself, in units of the angle: exact for a vector with the entries 0 and 1."""
    share = torch.tensor([0.25, 0.5, 0.9], dtype=torch.float64)
    for dtype, angles, tolerance in ((torch.float64, (1e-3, 1e-5, 1e-6), 1e-6),
                                     (torch.float32, (1e-2, 1e-3, 1e-4), 5e-3)):
        for theta in angles:
            at = torch.zeros(3, dtype=torch.float64) + theta
            u = torch.eye(3, 5, dtype=torch.float64)
            w = u.roll(1, 1)
            y = on_arc(u, w, at)
            got = call(interpolate, u.to(dtype), y.to(dtype), share.to(dtype), 1)
            expected = (share * theta).sin() / theta
            moved = ((got.double() - u) * w).sum(1) / theta
            expect_close(f"the part of the move across u in units of θ = {theta:g} ({dtype})",
                         moved, expected, "It is sin(λθ): how does your formula find a small θ?",
                         rtol=tolerance, atol=0)


def _slopes(interpolate, rng: torch.Generator, dtype: torch.dtype) -> None:
    n, d = 5, 4
    u, w = frames(rng, n, d)
    theta = torch.tensor([0.0101, 0.3, 1.2, 2.2, 2.99], dtype=torch.float64)
    a, b = (uniform(rng, n, 1, low=0.5, high=2.0) for _ in range(2))
    share = uniform(rng, n).to(dtype)
    x, y = (a * u).to(dtype), (b * on_arc(u, w, theta)).to(dtype)
    fine = dtype == torch.float64
    for power in (1, 2.5):
        same(interpolate, arc, (x, y, share, power), ("what lies between",), ARC,
             what=f" with the power {power}", wrt=(0, 1, 2), tolerance=1e-7 if fine else 2e-3)
    for factor in (1.0, 2.0):
        args = x, factor * x, share, 1
        moves = torch.ones(n, d) * share.double()[:, None]
        mean = (1 - share + factor * share).double()[:, None]
        along = x.double() / x.double().norm(dim=1, keepdim=True)
        total = along.sum(1, keepdim=True)
        # dr u + r du, with du = ((1 − λ) du_x + λ du_y), and dr = (1 − λ) u·dx + λ u·dy
        for i, part, size in ((0, 1 - moves, 1.0), (1, moves, factor)):
            expected = part * (along * total + mean / size * (1 - along * total))
            _, got = call(interpolate, *args, wrt=i)
            expect_close(f"the gradient of the result's sum in {'xy'[i]} where y = {factor:g} x",
                         got, expected, "Here the vectors have one direction, and the result still "
                         "depends smoothly on them.", rtol=1e-9 if fine else 1e-4,
                         atol=1e-9 if fine else 1e-4, dtype=dtype)
        _, got = call(interpolate, *args, wrt=2)
        expected = ((factor - 1) * x.double()).sum(1)
        expect_close(f"the gradient of the result's sum in share where y = {factor:g} x", got,
                     expected, "Only the length changes here.", rtol=1e-9 if fine else 1e-4,
                     atol=1e-9 if fine else 1e-4, dtype=dtype)


def _opposite(interpolate, rng: torch.Generator, dtype: torch.dtype) -> None:
    u, w = frames(rng, 3, 4)
    share, at = torch.full((3,), 0.3).to(dtype), torch.tensor([1.0, math.pi, 0.5]).double()
    for size, angle in ((1.0, math.pi), (900.0, math.pi), (2e-3, math.pi - 2e-5),
                        (1.0, math.pi - 9e-5)):
        y = size * on_arc(u, w, torch.where(at > 3, angle, at))
        expect_refusal("opposite vectors in one row", interpolate, u.to(dtype), y.to(dtype), share,
                       1)
    one = torch.ones(1, 1, dtype=dtype)
    expect_refusal("opposite numbers, d = 1", interpolate, one, -3 * one, share[:1], 2)


def edit(z_i: Tensor, z_from: Tensor, z_to: Tensor, strength: Tensor, share: float,
         most: float) -> Tensor:
    """Row by row, θ from the cosine; for sums that are long, and angles that are not small."""
    unit, rows = lambda z: z / z.square().sum().sqrt(), []
    for j in range(len(z_i)):
        e, wish = unit(z_i[j]), 0.0
        for k in range(len(strength)):
            wish = wish + strength[k] * (unit(z_to[k, j]) - unit(z_from[k, j]))
        cosine = torch.dot(unit(wish), e)
        theta = torch.acos(cosine)
        psi = torch.minimum(share * theta, torch.tensor(most, dtype=z_i.dtype))
        rows.append(psi.cos() * e + psi.sin() * unit(unit(wish) - cosine * e))
    return torch.stack(rows)


def check_text_difference(text_difference, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype in BOTH:
        for k, n, d in ((2, 4, 5), (1, 1, 6), (3, 1, 2), (1, 3, 4)):
            _edits(text_difference, rng, k, n, d, dtype)
        _nothing_wished(text_difference, rng, dtype)
        _short_wishes(text_difference, rng, dtype)
        _along(text_difference, rng, dtype)
        _known_angles(text_difference, rng, dtype)


def _captions(rng: torch.Generator, k: int, n: int, d: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of all lengths; the sum of the differences is neither short nor near ±z_i."""
    unit = lambda z: z / z.norm(dim=-1, keepdim=True)
    for _ in range(1000):
        z_i = torch.randn(n, d, dtype=torch.float64, generator=rng)
        z_from, z_to = torch.randn(2, k, n, d, dtype=torch.float64, generator=rng)
        strength = 10 * (2 * torch.rand(k, dtype=torch.float64, generator=rng) - 1)
        steps = unit(z_to) - unit(z_from)
        wish = (strength[:, None, None] * steps).sum(0)
        cosine = (unit(wish) * unit(z_i)).sum(1)
        if min(wish.norm(dim=1).min(), steps.norm(dim=2).min()) > 0.6 and cosine.abs().max() < 0.9:
            break
    size = lambda *shape: lengths(rng, math.prod(shape)).reshape(*shape, 1)
    return z_i, strength, (unit(z_i) * size(n), unit(z_from) * size(k, n), unit(z_to) * size(k, n))


def _edits(text_difference, rng: torch.Generator, k: int, n: int, d: int,
           dtype: torch.dtype) -> None:
    fine = dtype == torch.float64
    z_i, strength, embeddings = _captions(rng, k, n, d)
    strength, embeddings = strength.to(dtype), [z.to(dtype) for z in embeddings]
    for share, most in ((0.3, math.pi), (1.0, math.pi), (0.0, 1.0), (0.6, 0.2), (1.0, 0.01),
                        (0.5, 0.8)):
        what = f" with share = {share:g}, most = {most:g}, k = {k}, n = {n}"
        args = *embeddings, strength, share, most
        same(text_difference, edit, args, ("the edited embedding",), EDIT, what=what,
             tolerance=1e-10 if fine else 2e-5)
    for share, most, size in ((0.3, math.pi, 0.01), (0.9, 0.01, 100)):
        args = (size * z_i / z_i.norm(dim=1, keepdim=True)).to(dtype), *args[1:4], share, most
        same(text_difference, edit, args, ("the edited embedding",), EDIT, wrt=(0,),
             what=f" with share = {share:g}, most = {most:g}, k = {k}, n = {n}",
             tolerance=1e-8 if fine else 1e-3)


def _nothing_wished(text_difference, rng: torch.Generator, dtype: torch.dtype) -> None:
    """One row without a wish in a batch, and batches of them."""
    fine, k, n, d = dtype == torch.float64, 2, 4, 5
    tolerance = 1e-10 if fine else 1e-5
    z_i, strength, (long_i, z_from, z_to) = _captions(rng, k, n, d)
    strength = torch.tensor([3.0, -2.0], dtype=dtype)
    start = z_i / z_i.norm(dim=1, keepdim=True)
    z_to[:, 1], z_to[:, 3] = z_from[:, 1], z_from[:, 3] * 4
    z_to[:, 3, 0] *= 1 + 1e-9
    pair = torch.stack([z_from[0], z_from[0]]), torch.stack([z_to[0], z_to[0]])
    still = torch.tensor([1, 3])
    args = [z.to(dtype) for z in (long_i, z_from, z_to)] + [strength, 0.5, 0.4]
    got = call(text_difference, *args)
    hint = "Where nothing is wished, the result is the picture's own unit vector."
    expect_tensor("the edited embeddings", got, (n, d), dtype, EDIT)
    expect_close("embeddings whose captions do not differ", got[still], start[still], hint,
                 rtol=0, atol=tolerance)
    moved = edit(*(z.to(dtype).double()[..., [0, 2], :] for z in (long_i, z_from, z_to)),
                 strength.double(), 0.5, 0.4)
    expect_close("embeddings next to others whose captions do not differ", got[[0, 2]], moved, EDIT,
                 rtol=0, atol=tolerance)
    args[0] = start.to(dtype)
    _, slope = call(text_difference, *args, wrt=0)
    bare = start.to(dtype).double().requires_grad_()
    one = bare / bare.norm(dim=1, keepdim=True)
    expected, = torch.autograd.grad(one.sum(), bare)
    expect_close("the gradient of the result's sum in z_i where nothing is wished", slope[still],
                 expected[still], "It is that of z_i's unit vector. Repair 0/0 before it happens: "
                 "torch.where after it passes NaN backwards.", rtol=0, atol=10 * tolerance)
    assert slope.isfinite().all(), "expected finite gradients in z_i, also where rows are edited."
    for what, texts, weights in (("all strengths are 0", (z_from, z_to), (0.0, 0.0)),
                                 ("the differences cancel", pair, (1.5, -1.5)),
                                 ("the differences cancel up to 1e-6", pair, (1.0, 1e-6 / 2 - 1))):
        rows = slice(None) if weights[0] == 0 else [0, 2]
        got = call(text_difference, long_i.to(dtype)[rows], *(z.to(dtype)[:, rows] for z in texts),
                   torch.tensor(weights, dtype=dtype), 0.7, 1.0)
        expect_close(f"embeddings where {what}", got, start[rows], hint, rtol=0, atol=tolerance)


def _short_wishes(text_difference, rng: torch.Generator, dtype: torch.dtype) -> None:
    """The length of the sum does not matter: 2e-4 to 10."""
    fine, n, d = dtype == torch.float64, 3, 4
    z_i, _, (long_i, z_from, z_to) = _captions(rng, 1, n, d)
    args = [z.to(dtype) for z in (long_i, z_from, z_to)]
    expected = edit(*(z.double() for z in args), torch.ones(1).double(), 0.8, 1.0)
    for size in (10.0, 1e-2, 4e-4):
        got = call(text_difference, *args, torch.tensor([size], dtype=dtype), 0.8, 1.0)
        expect_close(f"the edited embedding with the strength {size:g}", got, expected, "With one "
                     "difference and a positive strength its length does not matter.", rtol=0,
                     atol=1e-7 if fine else 1e-4, dtype=dtype)
    shared = torch.full((40,), 1e-5, dtype=dtype)
    got = call(text_difference, args[0], *(z.expand(40, n, d) for z in args[1:]), shared, 0.8, 1.0)
    expect_close("the edited embedding with one difference forty times, and strengths of 1e-5",
                 got, expected, "The differences are summed: only the sum's length says whether "
                 "something is wished.", rtol=0, atol=1e-7 if fine else 1e-4, dtype=dtype)


def _known_angles(text_difference, rng: torch.Generator, dtype: torch.dtype) -> None:
    """Captions on both sides of p, which is across the direction of their difference."""
    fine = dtype == torch.float64
    theta = torch.tensor([1e-4, 0.01, 1.0, 2.0, 3.0, math.pi - 0.02], dtype=torch.float64)
    n = len(theta)
    u, w, p = torch.linalg.qr(
        torch.randn(n, 5, 3, dtype=torch.float64, generator=rng)).Q.unbind(2)
    r = 0.4
    wish = on_arc(u, w, theta)
    z_to, z_from = (math.cos(r) * p + sign * math.sin(r) * wish for sign in (1, -1))
    args = [z.to(dtype) for z in (u, z_from[None], z_to[None], torch.ones(1))]
    for share, most in ((0.25, math.pi), (0.5, 1.2), (1.0, 2.5)):
        got = call(text_difference, *args, share, most)
        expect_close("the edited embedding, where the angles between picture and difference are "
                     f"{[round(x, 4) for x in theta.tolist()]}, with share = {share:g} and most = "
                     f"{most:g}", got, on_arc(u, w, (share * theta).clamp(max=most)), EDIT, rtol=0,
                     atol=1e-10 if fine else 2e-4, dtype=dtype)
    row = [z[..., 2:3, :] for z in args[:3]]
    for delta, what, angle in ((1.2e-4, "is 1.2e-4 long", 0.5), (9e-6, "is 9e-6 long", 0.0)):
        strength = torch.tensor([delta / (2 * math.sin(r))], dtype=dtype)
        got = call(text_difference, *row, strength, 0.5, 3.0)
        expect_close(f"the edited embedding where the difference {what}", got,
                     on_arc(u[2:3], w[2:3], torch.tensor([angle]).double()), "Below 1e-5 nothing "
                     "is wished; above 1e-4 the length does not matter.", rtol=0,
                     atol=1e-7 if fine else 1e-4, dtype=dtype)


def _along(text_difference, rng: torch.Generator, dtype: torch.dtype) -> None:
    """A wish that the picture fulfils already, up to rounding, next to one across it."""
    fine = dtype == torch.float64
    u, w = frames(rng, 2, 4)
    half = math.pi / 3                       # of two captions 2π/3 apart, the difference is along u
    to, source = (math.cos(half) * w + sign * math.sin(half) * u for sign in (1, -1))
    across = math.cos(half) * u[1] + math.sin(half) * w[1]
    back = math.cos(half) * u[1] - math.sin(half) * w[1]
    to[1], source[1] = across, back
    args = 3 * u, source[None], to[None], torch.ones(1).double()
    args = [z.to(dtype) for z in args]
    for share, most in ((0.5, 1.0), (1.0, 0.3)):
        psi = min(share * math.pi / 2, most)
        expected = torch.stack([u[0], math.cos(psi) * u[1] + math.sin(psi) * w[1]])
        got = call(text_difference, *args, share, most)
        expect_close("the edited embedding where the difference points along the picture, in row 0",
                     got, expected, "There is nothing to rotate: no 0/0.", rtol=0,
                     atol=1e-9 if fine else 1e-5, dtype=dtype)
    one = torch.ones(1, 1, dtype=dtype)
    got = call(text_difference, 3 * one, -one[None], 2 * one[None], one[0], 0.5, 1.0)
    expect_close("the edited embedding where d = 1", got, one, "There is nowhere to rotate.",
                 dtype=dtype)
    # exactly along
    east = torch.eye(1, 4, dtype=dtype)
    got, slope = call(text_difference, 2 * east, -east[None], east[None],
                      torch.ones(1, dtype=dtype), 0.5, 1.0, wrt=0)
    expect_close("the edited embedding where the difference is along the picture exactly", got,
                 east, "There is nothing to rotate: no 0/0.", atol=1e-7, dtype=dtype)
    assert slope.isfinite().all(), (
        "expected a finite gradient in z_i where the difference is along the picture exactly.")
