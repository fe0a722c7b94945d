"""The facts of a gradient that turns round, and of UNIT's terms."""
import math

import torch
from torch import Tensor

from course_lib.checks import Net, call, expect_close, expect_tensor
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same

REVERSAL_HINT = ("Going back, each sample's gradient is first shortened to the length `most`, if "
                 "it is longer, over all numbers of this sample together, and then multiplied by "
                 "minus its own lam.")
TERMS_HINT = ("Per picture the sum over its numbers, then the mean over the pictures of a domain, "
              "then the sum of both domains. KL: (mu² + exp(s) - 1 - s) / 2; likelihood: "
              "|x - x_hat| / b + log(2 b); z = mu + exp(s / 2) eta.")


def turned(g: Tensor, lam: Tensor, most: float) -> Tensor:
    """Sample by sample, in float64."""
    rows = []
    for row, rate in zip(g.double(), lam.double()):
        length = math.sqrt(sum(number ** 2 for number in row.flatten().tolist()))
        rows.append(-rate * (row * (most / length) if length > most else row))
    return torch.stack(rows)


def check_reversal(reversal, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=rng)
    for dtype in BOTH:
        def holds(shape: tuple[int, ...], most: float, sizes: Tensor, scale: float = 1.0,
                  lam: Tensor | None = None, hole=False, dtype=dtype) -> None:
            n = shape[0]
            g = draw(*shape)
            g = g / g.reshape(n, -1).norm(dim=1).view(-1, *[1] * (g.ndim - 1))
            g = (g * sizes.view(-1, *[1] * (g.ndim - 1))).to(dtype)
            if hole:                                  # a 0 among the numbers of each sample
                g[..., 0] = 0
            lam = 3 * uniform(rng, n) if lam is None else lam
            x, other, lam = (scale * draw(*shape)).to(dtype), draw(*shape).to(dtype), lam.to(dtype)
            what = f" at x of shape {shape}, most = {most:g}, gradients of lengths " + ", ".join(
                f"{size:.3g}" for size in sizes[:4].tolist())
            forward = call(reversal, x, lam, most)
            expect_tensor(f"R(x){what}", forward, shape, dtype, REVERSAL_HINT)
            assert torch.equal(forward, x), (
                f"R(x){what}: expected x itself, exactly, got {forward.flatten()[:5].tolist()} for "
                f"{x.flatten()[:5].tolist()}. Only the way back differs.")

            def weighted(x, lam, most):               # its gradient arrives at R as g
                return g * reversal(x, lam, most)

            def both(x, lam, most):                   # x is also used beside R
                return g * reversal(x, lam, most) + other * x

            # One gradient for both uses, once with its numbers in another order in memory.
            back = tuple(reversed(range(g.ndim)))
            moved = g.permute(back).contiguous().permute(back)
            uses = [lambda x, lam, most: moved * (reversal(x, lam, most) + x),
                    lambda x, lam, most: g * (reversal(x, lam, most) + x),
                    lambda x, lam, most: g * (x + reversal(x, lam, most))]

            tolerance = 1e-5 if dtype == torch.float32 else 1e-10
            expected = turned(g, lam, most)

            def close(name: str, got: Tensor, right: Tensor, least: float | Tensor) -> None:
                rows = right.abs().flatten(1).amax(1) if right.ndim > 1 else right.abs()
                for i, size in enumerate(rows.clamp(min=least).tolist()):
                    expect_close(f"{name} of sample {i}{what}", got[i], right[i], REVERSAL_HINT,
                                 rtol=tolerance, atol=tolerance * size, dtype=dtype)

            close("the gradient", call(weighted, x, lam, most, wrt=0)[1], expected, 0.0)
            if sizes.max() < 1e4:
                _, slope = call(both, x, lam, most, wrt=0)
                close("the gradient of w R(x) + u x, ", slope, expected + other, 1.0)
            for use in uses:
                _, slope = call(use, x, lam, most, wrt=0)
                close("the gradient of w (R(x) + x)", slope, expected + g.double(), sizes)
            _, slope = call(weighted, x, lam, most, wrt=1, marked=0)
            assert slope.shape == lam.shape and not slope.any(), (
                f"lam{what}: expected no gradient in lam, which is set and not learned, got "
                f"{slope.tolist()}.")

        some = lambda n: 10 ** (2 * draw(n).clamp(-1.5, 1.5))
        for shape in ((1,), (5,), (1, 1), (4, 3), (3, 1), (1, 6), (3, 3), (2, 3, 2, 2),
                      (3, 1, 4, 1), (2, 2, 3)):
            holds(shape, (0.3 + uniform(rng).item()), some(shape[0]))
        every = torch.tensor([1e-30, 1e-12, 1e-3, 1.0, 1e3, 1e12, 1e30]).double()
        for most in (1e-6, 1.0, 1e6):
            holds((7, 3), most, every)
            holds((7, 2, 1, 2), most, every.flip(0), hole=True)
        holds((5, 4), 1.0, torch.tensor([0.0, 0.99, 1.01, 0.5, 2.0]).double())
        holds((4, 2), 1.0, torch.tensor([0.0, 0.0, 3.0, 0.0]).double())
        holds((3, 2), math.inf, torch.tensor([1e-4, 1.0, 1e4]).double())
        holds((3, 2), 2.0, some(3), lam=torch.tensor([0.0, 1.0, 100.0]).double())
        holds((4, 2), 0.5, some(4), lam=torch.tensor([1e-6, 1e6, 0.0, 1.0]).double())
        for shape in ((1,), (3,), (2, 1, 2, 2)):      # nothing comes back, but that does
            holds(shape, 1.0, some(shape[0]), lam=torch.zeros(shape[0]).double())
        holds((3, 2), 1.0, some(3), scale=math.inf)
        holds((3, 2), 1e-6, some(3), scale=1e6)
        holds((3, 2), 1e6, 1e6 * some(3), scale=1e-9)
    for marked in (None, 0):                          # x requires no gradient, and one
        x = draw(3, 2)
        with torch.no_grad():
            forward = call(reversal, x, uniform(rng, 3), 1.0, marked=marked)
        expect_close("R(x) inside torch.no_grad()", forward, x, REVERSAL_HINT, rtol=0, atol=0)


def drawn(name: str, args: tuple, rng: torch.Generator, scale: float = 0.5) -> Net:
    """A random network; variances that batch norm has stored are positive."""
    net = Net.draw(name, args, rng, scale)
    for key in net.state:
        if key.endswith("running_var"):
            net.state[key] = net.state[key].abs() + 0.5
    return net


def couples(rng: torch.Generator) -> list[tuple[str, list[Net], tuple, tuple, int]]:
    """Encoders and generators of two domains, the shapes of a picture of each, and the numbers of a
    code."""
    mlp = lambda *widths: drawn("mlp", widths, rng)
    conv = lambda channels, k: drawn("ConvE", (channels, 4, 2 * k, 5, 2), rng, 0.4)
    upconv = lambda channels, k: drawn("UpconvG", (channels, 4, k, 2), rng)._replace(frozen=True)
    return [("points", [mlp(4, 7, 6), mlp(4, 7, 6), mlp(3, 7, 4), mlp(3, 7, 4)], (4,), (4,), 3),
            ("points of one number and of two, a code of one number",
             [mlp(1, 6, 2), mlp(2, 6, 2), mlp(1, 6, 1), mlp(1, 6, 2)], (1,), (2,), 1),
            ("pictures of one channel and of two", [conv(1, 2), conv(2, 2), upconv(1, 2),
                                                    upconv(2, 2)], (1, 4, 4), (2, 4, 4), 2)]


def terms(E_1: Net, E_2: Net, G_1: Net, G_2: Net, x_1: Tensor, x_2: Tensor, eta: tuple,
          b: float) -> tuple[Tensor, ...]:
    """Picture by picture."""
    E, G = ([net.double().build().requires_grad_(False) for net in nets]
            for nets in ((E_1, E_2), (G_1, G_2)))

    def code(net, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        out = net(x[None])[0]
        mu, s = out[:len(noise)], out[len(noise):]
        return mu + torch.sqrt(s.exp()) * noise, -0.5 * (1 + s - mu * mu - s.exp()).sum()

    def unlikely(x: Tensor, x_hat: Tensor) -> Tensor:
        d = x - x_hat
        return d.numel() * math.log(2 * b) + (d * d.detach().sign()).sum() / b

    sums = [torch.zeros((), dtype=torch.float64) for _ in range(4)]
    for i, batch in enumerate((x_1, x_2)):
        j = 1 - i
        for x, first, second in zip(batch, eta[i].double(), eta[2 + i].double()):
            z, kl = code(E[i], x, first)
            x_ij = G[j](z[None])[0]
            z_ij, kl_ij = code(E[j], x_ij, second)
            parts = (kl, unlikely(x, G[i](z[None])[0]), kl + kl_ij,
                     unlikely(x, G[i](z_ij[None])[0]))
            sums = [total + part / len(batch) for total, part in zip(sums, parts)]
    return tuple(sums)


def check_unit_terms(unit_terms, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=rng)
    names = ("KL", "NLL", "KL_cycle", "NLL_cycle")
    pairs = couples(rng)

    def holds(pair, sizes: tuple[int, int], b: float, dtype, scale: float = 1.0,
              bias: float = 0.0, wrt: tuple[int, ...] = (),
              of: tuple[int, ...] = (), used: bool = False) -> None:
        what, nets, one, two, k = pair
        n, m = sizes
        x = [scale * draw(n, *one), scale * draw(m, *two)]
        eta = tuple(draw(count, k).to(dtype) for count in (n, m, n, m))
        if bias or scale > 1:                         # log-variances around this number
            nets = [around(net, k, bias, 0.1 / scale) if i < 2 else net
                    for i, net in enumerate(nets)]
        if used:
            nets = [net._replace(grad=0.5 - i) for i, net in enumerate(nets)]
        if dtype == torch.float64:
            nets = [net.double() for net in nets]
        args = *nets, *(part.to(dtype) for part in x), eta, b
        same(unit_terms, terms, args, names, TERMS_HINT, lent=(0, 1, 2, 3),
             wrt=wrt, of=of,
             what=f" of {n} and {m} {what}, b = {b:g}" + (
                 f", log-variances around {bias:g}" if bias else ""),
             tolerance=1e-10 if dtype == torch.float64 else 2e-4, slope=1 + scale / b)

    for dtype in BOTH:
        for pair in pairs:
            all_ways = pair is pairs[0] and dtype == torch.float64
            wrt = (4, 5) if dtype == torch.float64 else (4,) if pair is pairs[0] else ()
            holds(pair, (3, 2), 0.2 + uniform(rng).item(), dtype, wrt=wrt, used=True,
                  of=(0, 1, 2, 3) if all_ways else (2, 3))
        for b in (1e-3, 1e3):
            holds(pairs[0], (1, 1) if b > 1 else (2, 3), b, dtype)
        for bias in (-60.0, 6.0):
            holds(pairs[0], (3, 2), 1.0, dtype, bias=bias)
    holds(pairs[1], (1, 4), 0.5, torch.float64)
    for scale in (30.0, 1e4):
        holds(pairs[1], (2, 2), 1.0, torch.float64, scale=scale)
    blank = [net._replace(state={key: 0 * w for key, w in net.state.items()})
             for net in pairs[0][1]]                  # codes are the prior's: KLs of 0
    holds(("points, networks of zeros", blank, *pairs[0][2:]), (2, 3), 0.1, torch.float64,
          scale=1e-4)
    for parts in ((True,) * 4, (("1",), ("0",), ("2",), ("1",)), (("0",), ("1",), ("1",), ("0",))):
        frozen = [net._replace(frozen=part) for net, part in zip(pairs[0][1], parts)]
        holds((pairs[0][0], frozen, *pairs[0][2:]), (2, 3), 1.0, torch.float64)


def around(net: Net, k: int, bias: float, slope: float) -> Net:
    """The encoder whose log-variances lie around this number, and depend less on the picture."""
    weight, last = [*net.state][-2:]
    less = torch.cat([torch.ones(k), torch.full((k,), slope)])
    up = torch.cat([torch.zeros(k), torch.full((k,), bias)])
    return net._replace(state=net.state | {weight: net.state[weight] * less[:, None],
                                           last: net.state[last] * less + up})
