"""The facts of the objective, of one step, of the bounds, and of a step that is noisy; each code by
itself."""
import torch
from torch import Tensor

from course_lib.checks import Net, call, expect_close, expect_results
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same
from course_lib.hidden.ex03.networks import Pair, flat, logits, pairs, scaled, slopes

OBJECTIVE_HINT = ("The weights times the log-probabilities of logits / tau, summed over the units; "
                  "minus lam times the length of (h - m) / sigma, of all numbers of a code "
                  "together. At h = m the length has the gradient 0.")
STEP_HINT = ("The gradient of each code's own unit, divided by the root of the mean of its squares "
             "over this code; v becomes mu v + that, and h moves by eta times the new v.")
CLIP_HINT = ("From max(0, m - k sigma) to m + k sigma. What lies beyond a bound by a comes back to "
             "rho a inside of it, but never further than to the other bound.")
LANGEVIN_HINT = ("s M times the gradient of log p(h) + log p(y | G(h)), at h itself, and "
                 "sqrt(2 s T M) times eps; everything but the sum over a code is number by number.")


def aim(G: Net, phi: Net, h: Tensor, w: Tensor, tau: float, m: Tensor, sigma: Tensor,
        lam: float) -> Tensor:
    heights = []
    for logit, weights, code in zip(logits(G, phi, h), w, h):
        log_p = logit / tau - (logit / tau).logsumexp(0)
        z = ((code - m) / sigma).flatten()
        length = (z @ z).sqrt() if z.detach().any() else 0 * z.sum()
        heights.append(sum(a * b for a, b in zip(weights, log_p)) - lam * length)
    return torch.stack(heights)


def codes(rng: torch.Generator, pair: Pair, n: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(n, *pair.code, dtype=torch.float64, generator=rng)


def check_objective(objective, seed: int = 0) -> None:
    rng = seeded(seed)
    some = uniform(rng).item()
    for dtype in BOTH:
        def holds(pair: Pair, n: int, tau: float, lam: float, scale=1.0, sharp=1.0,
                  at_m: tuple[int, ...] = (), gap=0.0, dtype=dtype) -> None:
            precise = dtype == torch.float64
            m, sigma = codes(rng, pair, 1, scale)[0], scale * (0.2 + uniform(rng, *pair.code))
            h, w = codes(rng, pair, n, scale), torch.randn(n, pair.classes, generator=rng)
            if n > 1:
                w[0, 0], w[1] = 0, 1e-4 * w[1]
            h[list(at_m)] = m
            if gap:
                h[0] = m + gap * h[0]                 # all but m
                h[1].view(-1)[::2] = m.view(-1)[::2]  # m in some of its numbers
            G, phi = (pair.used() if n > 1 else pair).to(dtype)[1:3]
            args = G, scaled(phi, sharp), *(x.to(dtype) for x in (h, w))
            args = *args, tau, m.to(dtype), sigma.to(dtype), lam
            same(objective, aim, args, ("the objective",), OBJECTIVE_HINT, lent=True,
                 what=f" of {n} codes of shape {pair.code}, {pair.what}, tau = {tau:g}, lam = "
                      f"{lam:g}, logits times {sharp:g}{', of which some are m' * bool(at_m)}"
                      f"{f', one at {gap:g} from m, one equal to it in part' if gap else ''}",
                 wrt=(2, 3, 5, 6) if precise and n > 1 else (2,), slope=sharp + lam / scale,
                 tolerance=1e-9 if precise else 1e-4)

        for pair in pairs(rng):
            for n, tau, lam in ((1, 1.0, 0.5), (3, 0.1 + some, 2.0)):
                holds(pair, n, tau, lam)
        first = pairs(rng)[0]
        holds(first, 4, 0.7, 1.0, at_m=(1, 3))
        holds(first, 1, 3.0, 0.3, at_m=(0,))
        holds(pairs(rng)[3], 2, 1.0, 0.3, at_m=(0,))
        for pair, gap in ((first, 1e-3), (first, 1e-6), (first, 1e-12), (pairs(rng)[3], 1e-8)):
            holds(pair, 3, 1.0, 2.0, gap=gap, at_m=(2,))
        holds(first, 33, 1.0, 0.4)
        holds(first, 3, 1.0, 0.0)
        holds(first, 3, 1e3, 1e3)
        holds(first, 3, 0.05, 0.1, scale=1e-4)
        holds(first, 3, 2.0, 1.0, scale=100.0)
        for sharp in (300.0, 1e5):                    # probabilities that are 0
            holds(first, 4, 1.0, 0.1, sharp=sharp)
    for part in (("net.1",), ("net.4",)):             # frozen, and in eval mode, in one part only
        pair = pairs(rng)[2].to(torch.float64)
        G = pair.G._replace(frozen=("net.2", "net.6", *part))
        call(objective, G, pair.phi._replace(frozen=("hidden",)), codes(rng, pair, 2),
             torch.ones(2, 4).double(), 1.0, torch.zeros(5).double(), torch.ones(5).double(), 0.1,
             lent=True)


def moved(G: Net, phi: Net, h: Tensor, unit: Tensor, v: Tensor, eta: float, mu: float):
    gradient = slopes(G, phi, h, lambda logit, i: logit[unit[i]])
    rows = []
    for g in gradient:
        g = g / g.abs().max() if g.any() else g
        rows.append(g / g.square().mean().sqrt() if g.any() else g)
    v = mu * v + torch.stack(rows)
    return h + eta * v, v


def check_ascent_step(ascent_step, seed: int = 0) -> None:
    rng = seeded(seed)
    some = uniform(rng).item()
    for dtype in BOTH:
        def holds(pair: Pair, n: int, eta: float, mu: float, size: float = 1.0, scale=1.0,
                  frozen=False, dtype=dtype) -> None:
            G, phi = (pair.used() if n > 1 else pair).to(dtype)[1:3]
            phi = scaled(phi, size)._replace(frozen=frozen)
            h, v = (codes(rng, pair, n, scale).to(dtype) for _ in range(2))
            unit = torch.randint(pair.classes, (n,), generator=rng)
            same(ascent_step, moved, (G, phi, h, unit, v, eta, mu), ("the code", "v"), STEP_HINT,
                 what=f" of {n} codes of shape {pair.code}, {pair.what}, eta = {eta:g}, mu = "
                      f"{mu:g}, a classifier times {size:g}", lent=True,
                 tolerance=1e-9 if dtype == torch.float64 else 1e-4)

        for pair in pairs(rng):
            holds(pair, 1, 0.1, 0.9)
            holds(pair, 4, 1.0 + some, some)
        wide, _, _, pictures = pairs(rng)
        holds(wide, 33, 0.2, 0.6)
        holds(wide, 3, 10.0, 0.0)
        holds(wide, 3, 0.01, 1.0, frozen=True)
        for size in (1e-30, 1e-12, 1e12, 1e30):       # squares that float32 does not hold
            holds(wide, 4, 0.5, 0.3, size)
        for size in (1e-60, 1e60) if dtype == torch.float64 else ():
            holds(wide, 4, 0.5, 0.3, size)
        holds(wide, 3, 2.0, 0.9, scale=300.0)
        holds(pictures, 2, 0.5, 0.3, 1e-28)
        holds(wide, 3, 0.5, 0.5, 0.0)                 # no slope anywhere
        _one_without_a_slope(ascent_step, rng, dtype)
        _straight(ascent_step, rng, dtype)
    pair = pairs(rng)[0].to(torch.float64)
    args = codes(rng, pair, 3), torch.tensor([0, 2, 1]), codes(rng, pair, 3), 0.5, 0.5
    for frozen in ((False, False), (True, True), (("0",), ("2",)), (False, True)):
        G, phi = (net._replace(frozen=f, grad=g) for net, f, g
                  in zip(pair[1:3], frozen, (None, 0.5) if frozen[0] else (None, None)))
        expected = call(ascent_step, pair.G, pair.phi, *args)
        for marked in (None, 2):
            got = call(ascent_step, G, phi, *args, lent=True, marked=marked)
            for name, a, b in zip(("the code", "v"), expect_results(got, "the code and v", 2),
                                  expected):
                expect_close(f"{name} with networks that are frozen in part, and an h that may "
                             "require a gradient", a, b, "They are the same networks.",
                             rtol=1e-10, atol=1e-10)
    try:
        with torch.no_grad():
            inside = call(ascent_step, *pair[1:3], *args)
    except RuntimeError as error:
        raise AssertionError(f"inside torch.no_grad() it fails: {error}. torch.enable_grad() "
                             "switches gradients on again.") from None
    expect_close("the code inside torch.no_grad()", inside[0], expected[0],
                 "It must not depend on who asks.", rtol=1e-10, atol=1e-10)


def _one_without_a_slope(ascent_step, rng: torch.Generator, dtype: torch.dtype) -> None:
    """A classifier of ReLU that is blind to codes below 0."""
    eye, zeros = torch.eye(2, dtype=dtype), torch.zeros(2, dtype=dtype)
    G = Net("mlp", (2, 2), {"0.weight": eye, "0.bias": zeros})
    phi = Net("mlp", (2, 2, 2), {"0.weight": eye, "0.bias": zeros, "2.weight": eye + 0.5,
                                 "2.bias": zeros})
    h = torch.tensor([[1.0, 2.0], [-1.0, -3.0], [2.0, -1.0]], dtype=dtype)
    v = torch.randn(3, 2, generator=rng).to(dtype)
    for part in (slice(0, 3), slice(1, 2)):
        args = h[part], torch.tensor([0, 1, 1])[part], v[part], 0.3, 0.8
        same(ascent_step, moved, (G, phi, *args), ("the code", "v"), STEP_HINT, lent=True,
             what=" where the gradient of a code is 0: it only goes on by mu v")
    one = {"0.weight": torch.ones(1, 1, dtype=dtype), "0.bias": torch.zeros(1, dtype=dtype)}
    weight = torch.full((1, 3000), 1e-3, dtype=dtype)
    weight[0, 7] = 1.0
    G = Net("mlp", (3000, 1), {"0.weight": weight, "0.bias": one["0.bias"]})
    wide = torch.randn(2, 3000, generator=rng).to(dtype)
    args = wide, torch.zeros(2).long(), 0 * wide, 1.0, 0.0
    same(ascent_step, moved, (G, Net("mlp", (1, 1), one), *args), ("the code", "v"), STEP_HINT,
         what=" of codes of 3,000 numbers, of which one matters")
    uneven = torch.tensor([[1.0, -2.0], [3e-30, 1e-30], [2e20, 0.0]], dtype=dtype)
    G = Net("mlp", (2, 2), {"0.weight": eye, "0.bias": zeros})
    phi = Net("mlp", (2, 3), {"0.weight": uneven, "0.bias": torch.zeros(3, dtype=dtype)})
    args = h, torch.tensor([0, 1, 2]), torch.zeros(3, 2, dtype=dtype), 0.5, 0.5
    same(ascent_step, moved, (G, phi, *args), ("the code", "v"), STEP_HINT,
         what=" whose gradients differ by 50 orders of magnitude")


def _straight(ascent_step, rng: torch.Generator, dtype: torch.dtype) -> None:
    """Units with a gradient that is known: weights that sum to 0, and very small and very large
    ones beside a bias of usual size."""
    for what, W, b in (
            (" whose gradients sum to 0", [[1.0, -1.0], [-3.0, 3.0], [0.0, 0.0]], 0.0),
            (" whose gradients sum to 0", [[2.0, -1, -1, 0], [0, 0, 5, -5], [1, -2, 3, -2]], 0.5),
            (" with slopes of 1e-30 and activations of about 5", [[3e-30, 4e-30], [4e-30, 0]], 5.0),
            (" with slopes of 1e30 and a bias of 5", [[3e30, 4e30], [-1e30, 2e30]], 5.0)):
        W = torch.tensor(W)
        units, d = W.shape
        phi = Net("mlp", (d, units), {"0.weight": W, "0.bias": torch.full((units,), b)})
        G = Net("mlp", (d, d), {"0.weight": torch.eye(d), "0.bias": torch.zeros(d)})
        h, v = torch.randn(2, 2 * units, d, dtype=torch.float64, generator=rng)
        h[0, :2] = torch.tensor([4.0, -3.0])
        for n in (1, 2 * units):
            args = h[:n], torch.arange(n) % units, v[:n], 0.3, 0.7
            args = *(net if dtype == torch.float32 else net.double() for net in (G, phi)), *(
                x.to(dtype) if isinstance(x, Tensor) and x.is_floating_point() else x for x in args)
            same(ascent_step, moved, args, ("the code", "v"), STEP_HINT, what=what)


def kept(h: Tensor, m: Tensor, sigma: Tensor, k: float, rho: float) -> Tensor:
    """Number by number."""
    m, sigma = (x.expand_as(h).flatten().tolist() for x in (m, sigma))
    found = []
    for x, mean, spread in zip(h.flatten().tolist(), m, sigma):
        low, high = max(0.0, mean - k * spread), mean + k * spread
        if x > high:
            x = max(low, high - rho * (x - high))
        elif x < low:
            x = min(high, low + rho * (low - x))
        found.append(x)
    return torch.tensor(found, dtype=torch.float64).view(h.shape)


def check_clip(clip, seed: int = 0) -> None:
    rng = seeded(seed)
    some = uniform(rng).item()
    for dtype in BOTH:
        for shape, k, rho, scale, far in (
                ((1, 1), 3.0, 0.5, 1, 3), ((6, 4), 3.0, some, 1, 5), ((5, 3), 0.7, 0.0, 1, 3),
                ((5, 3), 1.0, 1.0, 1, 2), ((3, 2, 4, 2), 2.0, 0.25, 1, 4),
                ((4, 5), 0.0, 0.5, 1, 2), ((9, 3), 2.0, some, 1e-6, 4), ((9, 3), 1.5, some, 1e6, 4),
                ((7, 6), 3.0, 0.5, 1, 99), ((40, 2), 0.4, 0.9, 1, 2),
                ((2, 1, 1, 1), 3.0, 0.8, 1, 9), ((8, 4), 20.0, 0.1, 1, 1)):
            m = scale * 2 * uniform(rng, *shape[1:], low=0.0, high=1.0)
            sigma = scale * uniform(rng, *shape[1:], low=0.05, high=1.0)
            if len(sigma) > 2:
                sigma[0] = m[1] = sigma[2] = m[2] = 0
            h = scale * far * torch.randn(shape, dtype=torch.float64, generator=rng) + m
            if len(h) > 2:
                h[0], h[1], h[2] = m + k * sigma, (m - k * sigma).clamp(min=0), m
            if len(h) > 5:
                h[3], h[4] = h[0] + 1e-6 * scale, h[1] - 1e-6 * scale
            args = tuple(x.to(dtype) for x in (h, m, sigma))
            what = f" of shape {shape}, k = {k:g}, rho = {rho:.3g}, {scale:g} in size"
            same(clip, kept, (*args, k, rho), ("the codes",), CLIP_HINT, what=what)
        m, sigma = uniform(rng, 40, high=4).to(dtype), uniform(rng, 40).to(dtype)
        low = (m - 2 * sigma).clamp(min=0)
        inside = low + (m + 2 * sigma - low) * uniform(rng, 30, 40, low=0.01, high=0.99).to(dtype)
        for k in (2.0, 2 + some):
            got = call(clip, inside, m, sigma, k, some)
            expect_close("codes within their bounds", got, inside,
                         "They stay exactly as they are.", rtol=0, atol=0, dtype=dtype)
        beyond = m + 30 * sigma * torch.randn(30, 40, generator=rng).to(dtype)
        got = call(clip, beyond, m, sigma, 2.0, some)   # 2 sigma is exact, so the bounds are, too
        assert ((got >= low) & (got <= m + 2 * sigma)).all() or dtype == torch.float32, (
            f"codes from far outside end beyond their bounds, by rounding. {CLIP_HINT}")


def walked(G: Net, phi: Net, h: Tensor, y: Tensor, m: Tensor, sigma: Tensor, s: float, T: float,
           M: Tensor, eps: Tensor) -> Tensor:
    gradient = slopes(G, phi, h, lambda logit, i: logit[y[i]] - logit.logsumexp(0))
    codes = []
    for code, g, noise in zip(h, gradient, eps):
        drift = g + (m - code) * sigma ** -2
        codes.append(code + M * s * drift + (M * 2 * s * T) ** 0.5 * noise)
    return torch.stack(codes)


def check_langevin_step(langevin_step, seed: int = 0) -> None:
    rng = seeded(seed)
    some = uniform(rng).item()
    for dtype in BOTH:
        def holds(pair: Pair, n: int, s: float, T: float, scale=1.0, sharp=1.0, flow=True,
                  frozen=False, dtype=dtype) -> None:
            m, sigma = codes(rng, pair, 1, scale)[0], scale * (0.3 + uniform(rng, *pair.code))
            M = scale ** 2 * (0.1 + uniform(rng, *pair.code))
            G, phi = (pair.used() if n > 1 else pair).to(dtype)[1:3]
            phi = scaled(phi, sharp)._replace(frozen=frozen)
            y = torch.randint(pair.classes, (n,), generator=rng)
            h, eps = codes(rng, pair, n, scale), flow * codes(rng, pair, n)
            if n > 2:                                 # m, nearly m, and m in part; without noise
                h[0], h[1] = m + 1e-4 * (h[0] - m), m
                h[2].view(-1)[::2], eps[2] = m.view(-1)[::2], 0
            h, m, sigma, M, eps = (x.to(dtype) for x in (h, m, sigma, M, eps))
            same(langevin_step, walked, (G, phi, h, y, m, sigma, s, T, M, eps), ("the code",),
                 LANGEVIN_HINT, lent=True, tolerance=1e-9 if dtype == torch.float64 else 1e-4,
                 what=f" of {n} codes of shape {pair.code}, {pair.what}, s = {s:g}, T = {T:g}, "
                      f"logits times {sharp:g}{'' if flow else ', without noise'}")

        for pair in pairs(rng):
            holds(pair, 1, 0.1, 1.0)
            holds(pair, 4, 0.05 + some, 0.1 + some)
        wide = pairs(rng)[0]
        holds(wide, 3, 0.3, 0.0)
        holds(wide, 33, 0.1, 0.8)
        holds(wide, 3, 0.3, 0.7, flow=False)
        holds(wide, 3, 1e-6, 1e4, frozen=True)
        holds(wide, 3, 0.2, 2.0, scale=1e-3)
        holds(wide, 3, 0.2, 0.5, scale=30.0)
        holds(wide, 4, 1e-3, 1.0, sharp=1e4)          # probabilities that are 0
        _gaussian_chain(langevin_step, rng, dtype)
    pair = pairs(rng)[0].to(torch.float64)
    h, eps, one = codes(rng, pair, 3), codes(rng, pair, 3), torch.ones(4).double()
    args = h, torch.tensor([0, 2, 1]), one, one, 0.1, 1.0, one, eps
    expected = call(langevin_step, *pair[1:3], *args)
    try:
        with torch.no_grad():
            inside = call(langevin_step, *pair[1:3], *args)
    except RuntimeError as error:
        raise AssertionError(f"inside torch.no_grad() it fails: {error}. torch.enable_grad() "
                             "switches gradients on again.") from None
    expect_close("the code inside torch.no_grad()", inside, expected,
                 "It must not depend on who asks.", rtol=1e-10, atol=1e-10)
    for frozen in (True, ("2",)):
        nets = (net._replace(frozen=frozen, grad=0.5) for net in pair[1:3])
        got = call(langevin_step, *nets, *args, lent=True, marked=2)
        expect_close("the code with networks that are frozen, and an h that requires a gradient",
                     got, expected, "They are the same networks.", rtol=1e-10, atol=1e-10)


def _gaussian_chain(langevin_step, rng: torch.Generator, dtype: torch.dtype) -> None:
    """A classifier that knows nothing: each number is a Gaussian chain with exact moments, carried
    by four codes a step, mean ± deviation with noise ± 1."""
    pair = pairs(rng, 2)[0].to(dtype)
    m, sigma, M = (0.5 + uniform(rng, 4) for _ in range(3))
    mean, variance, s, T = torch.randn(4, generator=rng).double(), uniform(rng, 4), 0.2, 0.6
    side, noise = (torch.tensor(x).double()[:, None] for x in ([1, 1, -1, -1], [1, -1, 1, -1]))
    for step in range(1, 7):
        h = (mean + side * variance.sqrt()).to(dtype)
        eps = noise.expand(4, 4).to(dtype)
        got = call(langevin_step, pair.G, flat(pair.phi), h, torch.tensor([0, 1, 2, 0]),
                   *(x.to(dtype) for x in (m, sigma)), s, T, M.to(dtype), eps)
        keeps = 1 - s * M / sigma ** 2
        mean, variance = m + keeps * (mean - m), keeps ** 2 * variance + 2 * s * T * M
        for name, moment, right in (("mean", got.double().mean(0), mean),
                                    ("variance", got.double().var(0, correction=0), variance)):
            expect_close(f"the {name} of a chain with a classifier that knows nothing, after step "
                         f"{step}", moment, right, LANGEVIN_HINT,
                         rtol=1e-9 if dtype == torch.float64 else 1e-4, atol=1e-9)
