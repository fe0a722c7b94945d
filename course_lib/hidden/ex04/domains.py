"""The facts of subspaces that are aligned, and of an evaluation that never sees a label of the
target."""
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.checks import at_most, call, expect_close, expect_results, expect_tensor
from course_lib.checks.facts.callbacks import Asked
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH

ALIGN_HINT = ("Each domain is centred by its own mean, projected on its own directions, and "
              "divided by its own standard deviations (n - 1); the source is then turned by M.")
RISK_HINT = ("Per fold: learn from the other folds, label the target, learn from the target, ask "
             "about the fold. Then, of all source points together, the share of wrong ones in "
             "each class, and the mean over the classes.")


def whitened(x: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along the leading directions, in standard deviations (n, d); these, (D, d)."""
    centred = x - np.array([math.fsum(column) / len(x) for column in x.T])
    _, _, rows = np.linalg.svd(centred, full_matrices=False)
    X = rows[:d].T
    coordinates = centred @ X
    return coordinates / np.sqrt((coordinates ** 2).sum(0) / (len(x) - 1)), X


def check_align(align, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=rng)

    def domain(n: int, D: int, scale: float, far: float, least: float | None = None) -> Tensor:
        """Points whose directions have deviations that are well apart, the last of this size."""
        spread = 2.0 ** -torch.arange(D).double()
        spread[-1] = least or spread[-1]
        spread = (spread * (0.8 + 0.2 * uniform(rng, D)))[torch.randperm(D, generator=rng)]
        Q = torch.linalg.qr(draw(D, D))[0]
        free = min(n - 1, D)
        points = draw(n, free)
        points = math.sqrt(n) * torch.linalg.qr(points - points.mean(0))[0]
        flat = torch.cat([points, torch.zeros(n, D - free).double()], 1)
        order = spread.argsort(descending=True)
        return scale * ((flat * spread[order]) @ Q + far * draw(D))

    def holds(source: Tensor, target: Tensor, d_S: int, d_T: int, dtype,
              tolerance: float | None = None) -> None:
        args = source.to(dtype), target.to(dtype)
        (a, X_S), (b, X_T) = (whitened(x.double().numpy(), d) for x, d in zip(args, (d_S, d_T)))
        expected = torch.from_numpy(a @ (X_S.T @ X_T)), torch.from_numpy(b)
        what = (f" of {len(source)} and {len(target)} points of {source.shape[1]} numbers, "
                f"d_S = {d_S}, d_T = {d_T}")
        got = expect_results(call(align, *args, d_S, d_T), "source and target", 2)
        for name, result, right in zip(("source", "target"), got, expected):
            expect_tensor(f"the {name}{what}", result, tuple(right.shape), dtype, ALIGN_HINT)
        sign = (got[1].double() * expected[1]).sum(0).sign()
        tolerance = tolerance or (1e-8 if dtype == torch.float64 else 2e-3)
        hint = f"{ALIGN_HINT} A column may have the other sign, but then in both results."
        for name, result, right in zip(("target", "source"), got[::-1], expected[::-1]):
            size = right.abs().max().item()
            expect_close(f"the {name}{what}", result.double() * sign, right, hint, rtol=tolerance,
                         atol=tolerance * size)

    for dtype in BOTH:
        for n, m, D, d_S, d_T in ((30, 20, 5, 2, 3), (12, 40, 4, 3, 1), (9, 9, 3, 1, 2),
                                  (25, 8, 4, 4, 4), (6, 5, 3, 1, 1), (5, 4, 7, 3, 2),
                                  (8, 3, 1, 1, 1), (3, 11, 6, 2, 5), (40, 30, 6, 3, 3)):
            holds(domain(n, D, 1.0, 3.0), domain(m, D, 1.0, 3.0), d_S, d_T, dtype)
        for size, other in ((1e-6, 1e6), (1e5, 1e-5), (1e3, 1e3)):
            holds(domain(15, 4, size, 2.0), domain(20, 4, other, 2.0), 2, 3, dtype)
        one = domain(20, 4, 1.0, 1.0)
        holds(one, one, 3, 3, dtype)
        holds(one, one + 5, 2, 3, dtype)
        holds(one, 10 * one.roll(1, 1), 3, 2, dtype)
    holds(domain(15, 4, 1.0, 1e4), domain(20, 4, 1e-3, 1e4), 2, 3, torch.float64)
    for least, tolerance in ((1e-2, 1e-8), (1e-5, 1e-3)):     # thin domains: no direction is noise
        holds(domain(15, 4, 1.0, 1.0, least), domain(20, 4, 1.0, 1.0, least), 4, 4, torch.float64,
              tolerance)
        holds(domain(9, 3, 1e3, 1.0, least), domain(6, 3, 1.0, 1.0), 3, 2, torch.float64, tolerance)
    many = draw(6000, 2) * torch.tensor([1.0, 0.1]).double()
    many[:2, 0] = torch.tensor([1e4, -1e4])           # two points far from all others
    holds(many, 2 * many + 3, 2, 2, torch.float64)


def neighbour(x: Tensor, y: Tensor, other: Tensor, new: Tensor) -> Tensor:
    """The class of the nearest point, after the means of both domains are taken off."""
    x, other, new = (part.reshape(len(part), -1) for part in (x, other, new))
    apart = torch.cdist(new - other.mean(0), x - x.mean(0))
    return y[apart.argmin(1)]


def commonest(x: Tensor, y: Tensor, other: Tensor, new: Tensor) -> Tensor:
    """Always the class that is seen most often, the lower of two."""
    classes, counts = y.unique(return_counts=True)
    return classes[counts.argmax()].expand(len(new)).clone()


def middle(x: Tensor, y: Tensor, other: Tensor, new: Tensor) -> Tensor:
    """The class with the nearest mean, where `other` says how far numbers spread."""
    x, other, new = (part.reshape(len(part), -1) for part in (x, other, new))
    classes = y.unique()
    means = torch.stack([x[y == c].mean(0) for c in classes])
    return classes[torch.cdist(new / (1 + other.abs().mean()), means).argmin(1)]


def unsure(x: Tensor, y: Tensor, other: Tensor, new: Tensor) -> Tensor:
    """The neighbour's class, or -1, which no label is, for the half that is far from the middle."""
    far = (new - new.mean(0)).reshape(len(new), -1).norm(dim=1)
    return torch.where(far >= far.median(), -1, neighbour(x, y, other, new))


def reverse(fit: Callable, source: Tensor, labels: Tensor, target: Tensor, fold: Tensor):
    """The risk, and what fit is asked, in pairs."""
    right, asked = {}, []
    for k in sorted(set(fold.tolist())):
        rest, held = fold != k, (fold == k).nonzero()[:, 0]
        forth = source[rest], labels[rest], target, target
        back = target, fit(*forth), source[rest], source[held]
        asked += [forth, back]
        for i, found in zip(held.tolist(), fit(*back).tolist()):
            right[i] = found == labels[i].item()
    shares = []
    for c in sorted(set(labels.tolist())):
        its = [right[i] for i, label in enumerate(labels.tolist()) if label == c]
        shares.append(1 - sum(its) / len(its))
    return sum(shares) / len(shares), asked


def matches(args: tuple, expected: tuple) -> bool:
    return len(args) == 4 and all(
        isinstance(x, Tensor) and x.dtype == y.dtype and x.shape == y.shape and torch.equal(x, y)
        for x, y in zip(args, expected))


def check_reverse_risk(reverse_risk, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=rng)

    def holds(fit: Callable, n: int, m: int, shape: tuple[int, ...], classes: list[int],
              folds: list[int], dtype, counts: list[int] | None = None) -> None:
        which = torch.arange(n) % len(classes) if counts is None else torch.repeat_interleave(
            torch.arange(len(classes)), torch.tensor(counts))
        which = which[torch.randperm(n, generator=rng)]
        centres = 1.5 * draw(len(classes), *shape)
        source = (centres[which] + draw(n, *shape)).to(dtype)
        target = centres[torch.randint(len(classes), (m,), generator=rng)] + draw(m, *shape)
        target = (0.7 * target + 1).to(dtype)
        labels = torch.tensor(classes)[which]
        fold = torch.tensor(folds)[torch.randint(len(folds), (n,), generator=rng)]
        fold[torch.randperm(n, generator=rng)[:len(folds)]] = torch.tensor(folds)
        expected, wanted = reverse(fit, source, labels, target, fold)
        asked = Asked(fit)

        def ask(x, y, other, new):
            return asked(x, y, other, new)

        got = call(reverse_risk, at_most(2 * len(wanted), ask), source, labels, target, fold)
        what = (f" of {n} and {m} points of shape {shape}, classes {sorted(set(labels.tolist()))}, "
                f"folds {sorted(set(fold.tolist()))}")
        expect_asked(asked.calls, wanted, what)
        expect_close(f"the risk{what}", got, expected, RISK_HINT)

    for fit in (neighbour, commonest, middle):
        for dtype in BOTH if fit is neighbour else BOTH[:1]:
            holds(fit, 24, 17, (2,), [0, 1, 2], [0, 1, 2], dtype, [14, 7, 3])
            holds(fit, 20, 31, (3,), [0, 1], [0, 1], dtype, [15, 5])
            holds(fit, 15, 9, (1,), [3, 7, 20], [-1, 4, 5], dtype, [9, 4, 2])
            holds(fit, 18, 12, (1, 2, 2), [0, 2], [0, 2, 3], dtype, [12, 6])
            holds(fit, 30, 1, (), [1, 2], [1, 0], dtype, [22, 8])
    holds(neighbour, 12, 8, (2,), [0, 5], [*range(12)], torch.float64, [8, 4])     # one by one
    far = 2 ** 24
    holds(neighbour, 16, 9, (2,), [far, far + 1, -5], [far + 1, far], torch.float64, [9, 4, 3])
    holds(neighbour, 9, 8, (2,), [4], [0, 1], torch.float32)                       # one class
    for c in (-1, 0, 1, -100, 2 ** 53):               # told to all, mostly wrongly or never
        holds(commonest, 16, 5, (2,), [c, c + 1, 7], [0, -1], torch.float64, [9, 4, 3])
        holds(commonest, 16, 5, (2,), [c - 1, c, 7], [0, -1], torch.float64, [9, 4, 3])
    holds(unsure, 20, 13, (2,), [0, 3], [0, 1], torch.float32, [13, 7])
    holds(unsure, 24, 9, (1, 2, 2), [5, 2, 3], [2, 0, 1], torch.float64, [12, 7, 5])


def expect_asked(calls: list[tuple], wanted: list[tuple], what: str) -> None:
    """fit was asked what is wanted, each once, in any order."""
    left = list(calls)
    for i, one in enumerate(wanted):
        found = next((j for j, args in enumerate(left) if matches(args, one)), None)
        assert found is not None, (
            f"fit{what}: it was never called with " + (
                "the points outside of a fold, their classes, the target and the target"
                if i % 2 == 0 else
                "the target, the classes that fit told of it, the source points outside of the "
                "fold and those of the fold")
            + f". It was called with points of shapes "
              f"{[[tuple(x.shape) for x in args] for args in calls[:4]]} and so on. {RISK_HINT}")
        del left[found]
    assert not left, (
        f"fit{what}: expected two calls a fold, {len(wanted)}, got {len(calls)}. It may cost hours "
        "to train, so nothing is asked that is not needed.")
