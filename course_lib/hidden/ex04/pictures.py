"""The facts of the way there and back, and of a buffer of pictures."""
import torch
from torch import Tensor

from course_lib.checks import Net, call, expect_close, expect_results
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same
from course_lib.hidden.ex04.networks import Four, fours, line, pictures, unbiased

CYCLE_HINT = ("lam_X times the weighted mean of the costs of F(G(x)) - x, plus lam_Y times that of "
              "G(F(y)) - y; each picture's cost is the mean of sqrt(d² + delta²) - delta over its "
              "numbers.")
BUFFER_HINT = ("One picture after the other: while fewer than `size` are kept, it is kept and "
               "comes out; then with u < p it changes places with number k, else it comes out.")


def back(G: Net, F: Net, x: Tensor, y: Tensor, w_x: Tensor, w_y: Tensor, lam_X: float,
         lam_Y: float, delta: float) -> Tensor:
    """Picture by picture."""
    def mean(start: Tensor, weights: Tensor, *way: Net) -> Tensor:
        maps = [net.double().build().requires_grad_(False) for net in way]
        total = 0.0
        for picture, weight in zip(start, weights):
            end = maps[1](maps[0](picture[None]))[0]
            squares = (end - picture).flatten() ** 2
            cost = squares / ((squares + delta ** 2).sqrt() + delta)
            total = total + weight * cost.sum() / cost.numel()
        return total / sum(weights)

    return lam_X * mean(x, w_x, G, F) + lam_Y * mean(y, w_y, F, G)


def check_cycle_loss(cycle_loss, seed: int = 0) -> None:
    rng = seeded(seed)
    some = uniform(rng).item()
    for dtype in BOTH:
        precise = dtype == torch.float64

        def holds(four: Four, n: int, m: int, lam_X=1.0, lam_Y=2.0, delta=0.5, scale=1.0,
                  weight=1.0, wrt=(2,), zeros=0, frozen=(False, False), dtype=dtype,
                  precise=precise) -> None:
            four = four.used() if n > 1 else four
            G, F = (net._replace(frozen=part) for net, part in zip(four.to(dtype)[1:3], frozen))
            x, y = (pictures(rng, four, k, scale) for k in (n, m))
            w_x, w_y = (weight * uniform(rng, k, low=0.01, high=3.0) for k in (n, m))
            if zeros:
                w_x[:zeros] = w_y[-zeros:] = 0
            args = *(t.to(dtype) for t in (x, y, w_x, w_y)), lam_X, lam_Y, delta
            slope = (lam_X + lam_Y) * min(1.0, scale / delta)
            same(cycle_loss, back, (G, F, *args), ("the loss",), CYCLE_HINT, lent=True, wrt=wrt,
                 what=f" of {n} and {m} pictures of shape {four.shape}, {four.what}, lam_X = "
                      f"{lam_X:g}, lam_Y = {lam_Y:g}, delta = {delta:g}, of size {scale:g}",
                 slope=0 if scale < 1 else slope, tolerance=1e-10 if precise else 3e-4)

        for four in fours(rng):
            holds(four, 1, 1, delta=some)
            holds(four, 3, 2, lam_X=some, lam_Y=1.0 + some,
                  wrt=(2, 3, 4, 5) if precise else (2, 3))
        points = fours(rng)[0]
        holds(points, 2, 17, lam_X=0.0)
        holds(points, 16, 2, lam_Y=0.0)
        for zeros in (1, 2):                          # they could weigh something
            holds(points, 3, 4, zeros=zeros, wrt=(2, 3, 4, 5))
        for frozen in ((True, True), (("0",), ("1",)), (("1",), ("2",))):     # networks in parts
            holds(points, 2, 3, frozen=frozen)
        for delta in (1e6, 1e3, 1e-3, 1e-6):          # a square, and an absolute value
            holds(points, 3, 2, delta=delta, wrt=(3,))
        holds(points, 2, 3, lam_X=1e3, lam_Y=1e-3)
        for weight in (1e-8, 1e8):                    # only their ratios count
            holds(points, 3, 2, weight=weight, wrt=(2, 4, 5) if precise else (2,))
        for scale, delta in ((1e-4, 1e-4), (1e4, 1.0), (1e4, 1e5)):
            holds(points, 3, 2, scale=scale, delta=delta, wrt=(3,))
        lines = Four("maps without biases", *map(unbiased, points.nets), points.shape)
        for scale, delta in ((1e-6, 1e-6), (1e-9, 1e-9), (1e-2, 1e-8), (1e-9, 1e-3), (1e6, 1e6)):
            holds(lines, 2, 3, scale=scale, delta=delta, wrt=(2,))
        holds(points, 2, 3, lam_X=0.0, lam_Y=0.0, wrt=(2, 3, 4, 5))
        same_again = Four("maps that undo each other", line(2.0), line(0.5), line(), line(), (1,))
        holds(same_again, 3, 2)


def kept_and_out(kept: Tensor, new: Tensor, size: int, u: Tensor, k: Tensor, p: float):
    """Picture by picture, in lists."""
    inside, out = [*kept.clone()], []
    for i, picture in enumerate(new):
        if len(inside) < size:
            inside.append(picture)
            out.append(picture)
        elif size and u[i] < p:
            out.append(inside[k[i]])
            inside[k[i]] = picture
        else:
            out.append(picture)
    return torch.stack(out), torch.stack(inside) if inside else kept


def check_through_buffer(through_buffer, seed: int = 0) -> None:
    rng = seeded(seed)
    some = uniform(rng).item()
    for dtype in BOTH:
        for shape, m, size, n, p in (
                ((3,), 0, 4, 1, 0.5), ((3,), 4, 4, 1, 1.0), ((3,), 4, 4, 7, some),
                ((1,), 0, 1, 3, 0.7), ((1,), 1, 1, 6, some), ((2, 3, 2), 0, 5, 3, 0.5),
                ((2, 3, 2), 2, 5, 8, some), ((1, 4, 4), 3, 3, 9, 0.6), ((), 2, 3, 12, some),
                ((2,), 3, 3, 20, 0.0), ((2,), 3, 3, 20, 1.0), ((2,), 0, 0, 4, 0.9),
                ((2, 3, 4), 0, 0, 3, some), ((), 0, 0, 2, 1.0), ((1, 1, 1), 0, 0, 1, 0.0),
                ((2,), 1, 2, 40, 0.8), ((4,), 6, 9, 3, 0.5), ((4,), 50, 50, 64, some),
                ((2,), 0, 50, 64, 0.5), ((1, 1, 1), 0, 2, 5, 0.75),
                ((2,), 1, 4, 9, 0.0), ((2,), 1, 4, 9, 1.0), ((1,), 0, 1, 2, 0.0),
                ("equal", 6, 6, 8, 1.0), ("equal", 5, 8, 20, some), ("equal", 0, 4, 20, 0.8)):
            equal, shape = shape == "equal", (1,) if shape == "equal" else shape
            draw = lambda count: (1e3 * torch.randn(count, *shape, generator=rng)   # noqa: B023
                                  ).to(dtype)   # noqa: B023
            if equal:                                  # the same picture more than once
                draw = lambda count: torch.randint(2, (count, 1), generator=rng).to(
                    dtype)   # noqa: B023
            u = torch.rand(n, generator=rng).to(dtype)
            if n > 5 and size and p < 1:
                u[3], u[-1] = p, 0.0                   # p itself is not below p, but u[5] is
                u[5] = torch.nextafter(u[3], -torch.ones_like(u[3])).clamp(min=0)
            k = torch.randint(max(size, 1), (n,), generator=rng)
            args = draw(m), draw(n), size, u, k, float(u[3]) if n > 5 and size and p < 1 else p
            right = kept_and_out(*args)
            got = expect_results(call(through_buffer, *args), "what comes out, what is kept", 2)
            for name, a, b in zip(("what comes out", "what is kept"), got, right):
                expect_close(f"{name} of a buffer of {size} with {m} kept, {n} new pictures of "
                             f"shape {shape}, p = {args[-1]:.3g}", a, b, BUFFER_HINT, rtol=0,
                             atol=0, dtype=dtype)
        _one_place(through_buffer, dtype)


def _one_place(through_buffer, dtype: torch.dtype) -> None:
    """Pictures of one batch that ask for one place: each gets what the last one left there."""
    kept, new = (torch.tensor(t, dtype=dtype)[:, None] for t in ([1.0, 2.0], [3.0, 4.0, 5.0]))
    u, k = torch.zeros(3, dtype=dtype), torch.tensor([1, 1, 1])
    got = call(through_buffer, kept, new, 2, u, k, 0.5)
    for name, a, b in zip(("what comes out", "what is kept"), got, ([2.0, 3, 4], [1.0, 5])):
        expect_close(f"{name} where three pictures ask for one place", a,
                     torch.tensor(b)[:, None], BUFFER_HINT, rtol=0, atol=0)
