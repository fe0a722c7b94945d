"""The facts of pixels, of rates, and of the whole search, which a judge looks at in the end."""
import math
from functools import cache

import torch
from torch import Tensor

from course_lib.checks import Net, call, expect_close, expect_results, expect_tensor
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same
from course_lib.core import load
from course_lib.hidden.ex03.ascent import codes
from course_lib.hidden.ex03.judge import recognises
from course_lib.hidden.ex03.networks import Pair, drawn, flat, logits, pairs, slopes
from course_lib.recipes import weights
from course_lib.recipes.deepsim import digits_deepsim

PIXELS_HINT = ("Neighbours below each other with one weight, beside each other with the other; a "
               "difference costs d²/2 up to delta and delta (|d| - delta/2) beyond; all summed "
               "up, channels too, with a minus.")
RATES_HINT = ("lr up to step `hold`, end_lr at the last step, and between them log(rate) falls "
              "from log(lr) to log(end_lr) with the power of the share of the way.")
INVERT_HINT = ("Each step: the gradient of odds - lam ‖h‖, divided by this code's largest |g|, "
               "times the rate, then the bounds; at the end, of all codes on the way, start and "
               "end included, the one with the highest odds.")


def rough(x: Tensor, lam_rows: float, lam_columns: float, delta: float) -> Tensor:
    """Pair by pair."""
    def cost(d: Tensor) -> Tensor:
        return d * d / 2 if d.abs() <= delta else delta * (d * d.sign() - delta / 2)

    pictures = []
    for picture in x:
        total = 0 * picture.sum()
        for plane in picture:
            rows, columns = plane.shape
            for i in range(rows):
                for j in range(columns):
                    if i:
                        total = total + lam_rows * cost(plane[i - 1, j] - plane[i, j])
                    if j:
                        total = total + lam_columns * cost(plane[i, j - 1] - plane[i, j])
        pictures.append(-total)
    return torch.stack(pictures)


def check_pixel_prior(pixel_prior, seed: int = 0) -> None:
    rng = seeded(seed)
    some = uniform(rng).item()
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=rng)
    for dtype in BOTH:
        for shape, rows, columns, delta, scale in (
                ((1, 1, 1, 1), 1.0, 1.0, 0.5, 1), ((3, 2, 4, 3), some, 2.0, 0.5, 1),
                ((2, 1, 1, 5), 0.7, 0.3, 1.0, 1), ((1, 3, 4, 1), 0.7, some, 1.0, 1),
                ((2, 3, 1, 4), some, 0.6, 0.7, 1), ((1, 2, 1, 1), 0.7, 0.3, 1.0, 1),
                ((2, 1, 3, 4), 0.0, 1.0, 0.8, 1), ((2, 2, 2, 3), 3.0, 0.0, some, 1),
                ((3, 1, 3, 3), 1.0, 0.5, 1e-6, 1), ((2, 1, 3, 3), 1.0, 0.5, 1e6, 1),
                ((2, 1, 3, 3), 0.6, 2.0, 30.0, 100), ((3, 1, 4, 2), 5.0, 9.0, 2e-5, 1e-5)):
            x = scale * draw(shape)
            same(pixel_prior, rough, (x.to(dtype), rows, columns, delta), ("the prior",),
                 PIXELS_HINT, wrt=(0,), slope=max(rows, columns) * min(delta, scale),
                 what=f" of pictures {shape}, weights {rows:.3g} and {columns:.3g}, delta = "
                      f"{delta:.3g}", tolerance=2e-5 if dtype == torch.float32 else None)
        plain, edges = torch.full((2, 1, 3, 4), 0.3), torch.zeros(2, 1, 3, 4)
        edges[0, 0, 1], edges[1, 0, :, 2:] = 0.5, -0.5
        near = edges.double() * (1 + 1e-4 * draw(2, 1, 3, 4))
        for what, x in ((" of a plain picture", plain), (" at an edge of exactly delta", edges),
                        (" at edges of nearly delta", near)):
            same(pixel_prior, rough, (x.to(dtype), 1.5, 0.75, 0.5), ("the prior",), PIXELS_HINT,
                 wrt=(0,), what=what, slope=1.0)


def check_rates(rates, seed: int = 0) -> None:
    rng = seeded(seed)
    some = uniform(rng).item()
    for steps, lr, end_lr, hold, power in (
            (2, 8.0, 1e-10, 0, 1.0), (3, 1.0, 0.1, 1, 2.0), (200, 8.0, 1e-10, 0, 1.0),
            (41, 8.0, 0.01, 10, 1.5), (30, some, some / 7, 28, 3.0), (12, 0.3, 0.3, 4, 2.0),
            (17, 1e-3, 10.0, 5, 0.5), (25, 1e200, 1e-200, 3, 1.0 + some), (6, 5.0, 4.0, 2, 0.1),
            (1000, 2.0, 1e-3, 7, 2.0), (9, some, some * (1 + 1e-6), 0, 1.0),
            (50, 8.0, 1e-4, 3, 2 + 1e-5)):
        asked = f" of {steps} steps from {lr:.3g} to {end_lr:.3g}, hold = {hold}, power {power:.3g}"
        got = call(rates, steps, lr, end_lr, hold, power)
        expect_tensor(f"the rates{asked}", got, (steps,), torch.float64, RATES_HINT)
        expected = []
        for k in range(steps):
            share = max(0.0, (k - hold) / (steps - 1 - hold))
            expected.append(math.exp(math.log(lr) + share ** power * (math.log(end_lr)
                                                                    - math.log(lr)))
                            if 0 < share < 1 else (end_lr if share else lr))
        expect_close(f"the rates{asked}", got, torch.tensor(expected, dtype=torch.float64),
                     RATES_HINT, rtol=1e-11, atol=0)


def searched(G: Net, phi: Net, y: Tensor, start: Tensor, high: Tensor, etas: Tensor, lam: float):
    def odds(logit: Tensor, i: int) -> Tensor:
        others = [logit[k] for k in range(len(logit)) if k != y[i]]
        return logit[y[i]] - torch.stack(others).logsumexp(0)

    h, path = start.minimum(high).clamp(min=0), []
    for eta in [*etas.tolist(), None]:
        logit = logits(G, phi, h)
        path.append((torch.stack([odds(row, i) for i, row in enumerate(logit)]).detach(), h))
        if eta is None:
            break
        steps = []
        for code, g in zip(h, slopes(G, phi, h, odds)):
            length = code.square().sum().sqrt()
            g = g - lam * code / length if length else g
            steps.append(eta * g / g.abs().max() if g.any() else g)
        h = (h + torch.stack(steps)).minimum(high).clamp(min=0)
    found = [max(range(len(path)), key=lambda k: path[k][0][i]) for i in range(len(h))]
    best = torch.stack([path[k][1][i] for i, k in enumerate(found)])
    return best, torch.stack([path[k][0][i] for i, k in enumerate(found)])


def check_invert(invert, seed: int = 0) -> None:
    rng = seeded(seed)
    some = uniform(rng).item()
    for dtype in BOTH:
        def holds(pair: Pair, n: int, etas: list[float], lam: float, scale=1.0, high=None,
                  start=None, frozen=False, y=None, dtype=dtype) -> None:
            G, phi = (pair.used() if n > 1 else pair).to(dtype)[1:3]
            phi = phi._replace(frozen=frozen)
            if high is None:
                high = scale * (0.5 + 2 * uniform(rng, *pair.code))
            if start is None:
                start = codes(rng, pair, n, scale)
            if y is None:
                y = torch.randint(pair.classes, (n,), generator=rng)
            rates = torch.tensor(etas, dtype=torch.float64) * scale
            args = G, phi, y, start.to(dtype), high.to(dtype), rates, lam
            same(invert, searched, args, ("the code", "its odds"), INVERT_HINT, lent=True,
                 tolerance=1e-8 if dtype == torch.float64 else 1e-3,
                 what=f" of {n} codes of shape {pair.code}, {pair.what}, {len(etas)} steps, lam = "
                      f"{lam:g}")

        wide, one, conv, pictures = pairs(rng, 2)
        for pair in (wide, one, conv, pictures):
            holds(pair, 1, [0.4, 0.3, 0.1], 0.1)
            holds(pair, 3, [0.5, some, 0.2], 0.3 * some)
        holds(wide, 9, [0.4, 0.2], 0.1)
        holds(wide, 3, [], 0.1)
        holds(wide, 3, [0.3], 0.0, frozen=True)
        holds(wide, 4, [0.5, 0.5, 0.5], 30.0)         # the prior wins: the odds fall
        holds(wide, 4, [3.0, 0.1, 2.0, 0.1, 2.0], 0.0)  # too far, and back
        holds(wide, 3, [0.5, 0.1], 0.2, scale=1e-3)
        holds(wide, 3, [0.5, 0.1], 1.0, scale=300.0)
        two = drawn("mlp", (5, 2), rng)               # slopes of 1e-10, odds of usual size
        two.state["0.weight"] *= 1e-10
        if dtype == torch.float64:
            holds(wide._replace(phi=two, classes=2), 3, [0.5, 0.2], 0.0)
        holds(wide, 2, [0.2, 0.1], 0.2, start=torch.zeros(2, 4).double())
        holds(wide, 3, [0.2, 0.1], 0.2, start=torch.tensor([[-1.0], [0.5], [-2.0]]).double()
              .expand(3, 4).clone())
        small = codes(rng, wide, 4).abs()
        small[1], small[2, 1:], small[3] = 0, 0, 1e-9 * small[3]      # 0, 0 in part, and almost 0
        holds(wide, 4, [0.2, 0.1], 5.0, start=small)
        for etas in ([3.0, 1.0, 0.3, 0.1], [1e-20, 0.3, 0.1]):
            holds(wide, 1, etas, 0.1, high=torch.full((4,), 5.0).double(),
                  start=0.1 + codes(rng, wide, 1).abs())
        high = torch.tensor([0.0, 1.0, 0.0, 2.0]).double()
        holds(wide, 3, [0.4, 0.3], 0.1, high=high)
        holds(wide._replace(phi=flat(wide.phi)), 2, [0.4, 0.2], 0.5)
        holds(wide._replace(phi=flat(wide.phi)), 2, [0.4, 0.2], 0.0)
        mlp = lambda *layers: Net("mlp", (layers[0][0].shape[1], *(len(b) for _, b in layers)), {
            f"{2 * i}.{kind}": x for i, (W, b) in enumerate(layers)
            for kind, x in (("weight", W), ("bias", b))})
        eye, none = torch.eye(3), torch.zeros(3)
        hopeless = Pair("logits -500, 500, 500 everywhere", mlp((eye, none)),
                        mlp((0 * eye, torch.tensor([-500.0, 500.0, 500.0]))), (3,), 3)
        for etas, lam in (([], 0.3), ([0.2, 0.1], 0.0), ([0.2, 0.1], 0.3)):
            holds(hopeless, 2, etas, lam, y=torch.tensor([0, 1]), start=0.5 + uniform(rng, 2, 3),
                  high=torch.full((3,), 2.0).double())
        mixed = torch.tensor([[1.0, 0, 0.2], [0, 1, 0], [0.3, 0, 1]])
        far = Pair("logits far apart", mlp((400 * eye, none)), mlp((mixed, none)), (3,), 3)
        holds(far, 3, [0.3, 0.1], 0.1, y=torch.arange(3))
        holds(far, 1, [0.3, 0.2, 0.1], 0.1, y=torch.tensor([0]), high=2 * torch.ones(3).double(),
              start=torch.tensor([[1.0, 0.1, 0.2]]).double())
        one_by_one = torch.ones(1, 1), torch.zeros(1)
        peak = Pair("odds that are highest at 1", mlp(one_by_one),
                    mlp((torch.tensor([[1.0], [-1.0]]), torch.tensor([-1.0, 1.0])),
                        (torch.tensor([[-1.0, -1.0], [0.0, 0.0]]), torch.zeros(2))), (1,), 2)
        for etas in ([2.0, 1.0, 0.5], [5.0, 1.0, 1.0, 1.0, 1.0, 0.5]):    # too far, and slowly back
            holds(peak, 1, etas, 0.0, y=torch.tensor([0]), start=torch.full((1, 1), 0.5).double(),
                  high=torch.full((1,), 9.0).double())
        above = torch.tensor([[2.0, 3.0, 2.0], [0.2, 0.5, 0.9], [2.0, 0.5, 0.3]])
        for what, sign, start in (("blind above 1", -1, above), ("blind below 1", 1, 0.9 * eye)):
            blind = Pair(what, mlp((eye, none)), mlp((sign * eye, none - sign), (2 * eye, none)),
                         (3,), 3)
            holds(blind, 3, [1.5, 0.5], 0.0, start=start.double(), y=torch.arange(3),
                  high=torch.full((3,), 4.0).double())
    pair = pairs(rng, 2)[0].to(torch.float64)
    args = (torch.tensor([0, 2, 1]), codes(rng, pair, 3), 1 + uniform(rng, 4),
            torch.tensor([0.4, 0.2]).double(), 0.1)
    expected = call(invert, *pair[1:3], *args)
    marked = call(invert, *pair[1:3], *args, marked=3)
    expect_close("the code from a start that requires a gradient", marked[0], expected[0],
                 "It is the same start.", rtol=1e-9, atol=1e-9)
    for frozen in (True, ("2",)):
        nets = (net._replace(frozen=frozen, grad=0.5) for net in pair[1:3])
        try:
            with torch.no_grad():
                got = call(invert, *nets, *args, lent=True)
        except RuntimeError as error:
            raise AssertionError(f"inside torch.no_grad() it fails: {error}. torch.enable_grad() "
                                 "switches gradients on again.") from None
        expect_close("the code inside torch.no_grad(), with networks that are frozen", got[0],
                     expected[0], "It must not depend on who asks.", rtol=1e-9, atol=1e-9)
    _judged(invert, rng)


@cache
def shipped() -> tuple[Net, Net, Tensor]:
    """The inverter that ships, and the classifier whose features it inverts, and their bounds."""
    model = load(digits_deepsim(), weights("deepsim_digits"))
    net = lambda name, module: Net(name, (), {key: x.detach().clone() for key, x
                                              in module.state_dict().items()}, frozen=True)
    with model.averaged():
        return net("UpconvG", model.G), net("ConvE", model.E), 3 * model.sigma.clone()


def _judged(invert, rng: torch.Generator) -> None:
    """Digits of classes that the visible test leaves out; the judge is no one's acquaintance."""
    G, E, high = shipped()
    y = torch.tensor([0, 1, 2, 4, 5, 6, 7, 9, 2, 4, 5, 7])
    start = high / 3 * torch.randn(len(y), 64, generator=rng).abs()
    etas = 8.0 * 0.01 ** torch.linspace(0, 1, 40, dtype=torch.float64)
    found = expect_results(call(invert, G, E, y, start, high, etas, 0.2), "the code and odds", 2)
    code, odds = found
    expect_tensor("the code of a digit", code, (len(y), 64), torch.float32, INVERT_HINT)
    assert ((code >= 0) & (code <= high)).all(), "a code of a digit lies outside of its bounds."
    with torch.no_grad():
        x = G.build()(code)
        log_p = E.build()(x).log_softmax(1).gather(1, y[:, None])[:, 0]
    sure = (log_p > math.log(0.9)).float().mean().item()
    assert sure >= 0.75, (
        "the classifier is to be sure of at least 75 % of the digits that were asked for, but it "
        f"is of {100 * sure:.0f} %. {INVERT_HINT}")
    right = (recognises(x) == y).float().mean().item()
    assert right > 0.66, (
        f"a judge that you do not know recognises {100 * right:.0f} % of the digits; at least two "
        f"thirds are asked for. {INVERT_HINT}")
