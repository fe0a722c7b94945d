"""The facts of an affine coupling with any mask and a bounded scale, in both directions."""
import math

import torch
from torch import Tensor

from course_lib.checks import Net, at_most, call, expect_close, expect_results, expect_tensor
from course_lib.checks.facts.callbacks import Asked
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same

HINT = ("The network sees the kept numbers, and 0 at the others. s = a tanh(s_raw / a). Forward: "
        "(x + t) exp(s) and the sum of s; inverse: x exp(-s) - t and minus that sum; over the "
        "numbers that are not kept.")
NAMES = "the result", "log_det"


def number_by_number(x: Tensor, mask: Tensor, net, a: float,
                     inverse: bool) -> tuple[Tensor, Tensor]:
    """Each number by itself; net is a network's description, or a function."""
    ask = net.double()._replace(grad=None).build() if isinstance(net, Net) else net
    out = ask(torch.where(mask, x, torch.zeros_like(x)))
    numbers, kept = x.reshape(len(x), -1), mask.flatten().tolist()
    d = numbers.shape[1]
    raw, shift = out[:, :x.shape[1]].reshape(-1, d), out[:, x.shape[1]:].reshape(-1, d)
    result, log_det = [], []
    for i in range(len(x)):
        row, total = [], torch.zeros((), dtype=x.dtype)
        for j in range(d):
            value = numbers[i, j]
            if not kept[j]:
                s = a * torch.tanh(raw[i, j] / a)
                value = value * (-s).exp() - shift[i, j] if inverse else (
                    (value + shift[i, j]) * s.exp())
                total = total - s if inverse else total + s
            row.append(value)
        result.append(torch.stack(row))
        log_det.append(total)
    return torch.stack(result).reshape(x.shape), torch.stack(log_det)


def masks(rng: torch.Generator, shape: tuple[int, ...]) -> list[tuple[str, Tensor]]:
    """Masks of these numbers: some kept at random, at least one of each kind where there are two;
    none; all."""
    many = math.prod(shape)
    order = torch.rand(many, generator=rng).argsort()
    some = (order < max(1, min(many - 1, torch.randint(1, many + 1, (), generator=rng).item())))
    found = [("", some), (", nothing is kept", some & False), (", all is kept", some | True)]
    return [(what, mask.reshape(shape)) for what, mask in found]


def check_coupling(coupling, seed: int = 0) -> None:
    rng = seeded(seed)
    some = 0.5 + uniform(rng).item()
    for dtype in BOTH:
        _networks(coupling, rng, some, dtype)
        for shape in ((3, 2, 3, 4), (1, 5), (4, 1), (1, 1, 1, 1), (2, 4, 2, 2), (2, 3, 2)):
            for inverse in (False, True):
                _function(coupling, rng, shape, some, inverse, dtype)
        for inverse in (False, True):
            _whatever(coupling, rng, inverse, dtype)
            _many(coupling, rng, inverse, dtype)


def _networks(coupling, rng: torch.Generator, some: float, dtype: torch.dtype) -> None:
    tolerance = 1e-10 if dtype == torch.float64 else 2e-5
    for n, d, a in ((3, 4, some), (1, 2, 2 * some), (4, 3, 0.1), (2, 1, 3.0), (1, 5, 5.0)):
        net = Net.draw("smooth_mlp", (d, 6, 2 * d), rng, 0.8)
        net = (net if dtype == torch.float32 else net.double())
        net = net._replace(grad=0.3) if n > 1 else net
        x = torch.randn(n, d, dtype=torch.float64, generator=rng).to(dtype)
        for what, mask in masks(rng, (d,)):
            for inverse in (False, True):
                same(coupling, number_by_number, (x, mask, net, a, inverse), NAMES, HINT,
                     tolerance=tolerance, lent=(2,), wrt=(0,), of=(0, 1) if not mask.all()
                     and mask.any() else (0,), slope=1.0,
                     what=f" of {n} rows, d = {d}, a = {a:.3g}, inverse = {inverse}, mask "
                          f"{mask.int().tolist()}{what}")
    for about, held in (("in eval mode, weights without gradients", {"frozen": True}),
                        ("in eval mode", {"resting": ("",)}),
                        ("one layer in eval mode", {"resting": ("0",)}),
                        ("one layer without gradients", {"frozen": ("0",)})):
        net = Net.draw("smooth_mlp", (3, 4, 6), rng, 0.8)._replace(**held)
        net = net if dtype == torch.float32 else net.double()
        x = torch.randn(2, 3, dtype=torch.float64, generator=rng).to(dtype)
        for inverse in (False, True):
            same(coupling, number_by_number, (x, torch.tensor([True, False, False]), net, some,
                                              inverse), NAMES, HINT, tolerance=tolerance,
                 lent=(2,), what=f" with a network {about}, inverse = {inverse}")


def _function(coupling, rng: torch.Generator, shape: tuple[int, ...], some: float, inverse: bool,
              dtype: torch.dtype) -> None:
    """A function in the place of the network: what it is asked, and how often; over decades."""
    n, width = shape[0], shape[1]
    tolerance = 1e-10 if dtype == torch.float64 else 2e-5
    mix = torch.randn(2, *shape[1:], dtype=torch.float64, generator=rng)

    def network(h: Tensor, size: float, far: float) -> Tensor:
        seen = h.double().flatten(1).cos().mean(1).reshape(-1, *[1] * (h.ndim - 1))
        whole = h.double().flatten(1).sin() @ torch.arange(1.0, 1 + h[0].numel()).double()
        seen = seen + whole.reshape(seen.shape)
        return torch.cat([size * (mix[0] + seen).sin(), far * (mix[1] - seen).cos()], 1).to(h.dtype)

    for (what, mask), size, far, scale, a in zip(
            [*masks(rng, shape[1:]), *[m for _ in range(4) for m in masks(rng, shape[1:])[:1]]],
            (1.0, 1.0, 1.0, 1e-4, 1e2, 1e4, 3.0), (1.0, 1.0, 1.0, 1e-3, 1e4, 1.0, 1e-3),
            (1.0, 1.0, 1.0, 1e-3, 1e3, 1e3, 1e-3), (some, some, some, 0.1, 5.0, 2 * some, 5.0)):
        x = (scale * torch.randn(shape, dtype=torch.float64, generator=rng)).to(dtype)
        asked = Asked(lambda h, size=size, far=far: network(h, size, far))
        got, log_det = expect_results(call(coupling, x, mask, asked, a, inverse),
                                      "the result and log_det", 2)
        expected, total = number_by_number(
            x.double(), mask, lambda h, size=size, far=far: network(h.to(dtype), size, far)
            .double(), a, inverse)
        what = (f" of shape {shape}, mask {mask.int().tolist()}{what}, a = {a:.3g}, inverse = "
                f"{inverse}, numbers of size {scale:g}, raw s of size {size:g}, t of size {far:g}")
        grows = math.exp(a * math.tanh(size / a))
        largest = grows * scale + far if inverse else grows * (scale + far)
        expect_close(f"the result{what}", got, expected, HINT, rtol=tolerance,
                     atol=tolerance * largest, dtype=dtype)
        kept = mask.expand(shape)
        assert (got[kept] == x[kept]).all(), f"the result{what}: kept numbers come back as they are"
        expect_close(f"log_det{what}", log_det, total, HINT, rtol=tolerance,
                     atol=tolerance * max(1.0, mask.numel() * min(a, size)), dtype=dtype)
        assert len(asked.calls) == 1, (
            f"the network was called {len(asked.calls)} times{what}: expected one call.")
        h, = asked.calls[0]
        expect_tensor(f"what the network is asked{what}", h, shape, dtype,
                      "It sees a tensor like x.")
        assert (h[kept] == x[kept]).all() and (h[~kept] == 0).all(), (
            f"what the network is asked{what}: expected the kept numbers, and 0 at the others.")
    # what does not depend on x, with gradients straight through
    fixed = torch.randn(n, 2 * width, *shape[2:], dtype=torch.float64, generator=rng).to(dtype)
    before, (_, mask) = fixed.clone(), masks(rng, shape[1:])[0]
    same(coupling, number_by_number, (x, mask, lambda h: fixed.to(h.dtype), some, inverse), NAMES,
         HINT, tolerance=tolerance, wrt=(0,), slope=1.0,
         what=f" of shape {shape}, inverse = {inverse}, with a network that says always the same")
    assert (fixed == before).all(), "what the network returns is not yours to change in place."


def _many(coupling, rng: torch.Generator, inverse: bool, dtype: torch.dtype) -> None:
    """So many numbers with the largest scale that the determinant is no number of the dtype."""
    for raw in (1e4, -1e4):
        x = torch.randn(2, 250, dtype=torch.float64, generator=rng).to(dtype)
        said = torch.cat([torch.full_like(x, raw), x.flip(1)], 1)
        mask = torch.rand(250, generator=rng) < 0.2
        same(coupling, number_by_number, (x, mask, lambda h, said=said: said.to(h.dtype), 5.0,
                                          inverse), NAMES, HINT,
             tolerance=1e-10 if dtype == torch.float64 else 2e-5,
             what=f" of 250 numbers, raw s = {raw:g}, a = 5, inverse = {inverse}")


def _whatever(coupling, rng: torch.Generator, inverse: bool, dtype: torch.dtype) -> None:
    """What the network says at kept places; and a network that hands back its argument twice."""
    for shape in ((2, 6), (2, 2, 3, 3)):
        _, mask = masks(rng, shape[1:])[0]
        x = torch.randn(shape, dtype=torch.float64, generator=rng).to(dtype)
        tame = torch.randn(shape[0], 2 * shape[1], *shape[2:], dtype=torch.float64,
                           generator=rng).to(dtype)
        twice = torch.cat([mask, mask]).expand_as(tame)
        for fill in (math.nan, math.inf, -math.inf, 1e30):
            wild = torch.where(twice, torch.full_like(tame, fill), tame)
            expected = number_by_number(x.double(), mask, lambda h, tame=tame: tame.double(), 2.0,
                                        inverse)
            got = expect_results(call(
                coupling, x, mask, at_most(1, lambda h, wild=wild: wild), 2.0, inverse),
                "the result and log_det", 2)
            for name, value, right in zip(NAMES, got, expected):
                expect_close(f"{name} of shape {shape}, inverse = {inverse}, where the network "
                             f"says {fill} at kept places", value, right,
                             "What it says there does not matter.", dtype=dtype, atol=1e-5,
                             rtol=1e-5)
        echo = lambda h: torch.cat([h, h], 1)
        got = expect_results(call(coupling, x, mask, at_most(1, echo), 2.0, inverse),
                             "the result and log_det", 2)
        for name, value, right in zip(NAMES, got, (x, torch.zeros(shape[0]))):
            expect_close(f"{name} with a network that says what it sees", value, right,
                         "At the places that it does not see it says 0 here.", dtype=dtype)
