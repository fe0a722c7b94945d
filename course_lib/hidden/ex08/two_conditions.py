"""Exercise 8, guidance with two conditions, against slopes of log densities by differences."""
import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.checks import at_most, call, expect_close, expect_tensor
from course_lib.checks.facts import slopes
from course_lib.checks.facts.callbacks import Asked
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH

SHAPES = ((3, 2, 4, 4), (1, 5), (4, 1), (1, 1, 1, 1), (2, 3))


def check_guided_eps(guided_eps, seed: int = 0) -> None:
    rng = seeded(seed)
    _composed(guided_eps, rng)
    for dtype in BOTH:
        for shape in SHAPES:
            _row_by_row(guided_eps, rng, shape, dtype)
        _nothing_left(guided_eps, rng, dtype)


def _composed(guided_eps, rng: torch.Generator) -> None:
    """Data N(m, c) of each pair of conditions, noised to ᾱ = 0.5; the goal is differentiated."""
    n, d, a = 4, 3, 0.5
    m = torch.randn(3, n, d, dtype=torch.float64, generator=rng)
    c = a * uniform(rng, 3, n, d, low=0.3, high=2.0) + 1 - a
    x, t = torch.randn(n, d, dtype=torch.float64, generator=rng), torch.tensor([4, 1, 9, 2])
    row = lambda t: (t[:, None] == torch.tensor([4, 1, 9, 2])).long().argmax(1)
    log_p = lambda k, x, j: (-(x - math.sqrt(a) * m[k, j]) ** 2 / (2 * c[k, j])).sum(1)
    eps_of = lambda log_p, x: -math.sqrt(1 - a) * slopes.gradient(log_p, x)
    z_i, z_t, none_i, none_t = (torch.tensor(z).double() for z in (
        [[1.0, 2]] * n, [[3.0]] * n, [-1.0, 0], [-2.0]))

    def eps_model(x: Tensor, t: Tensor, z_i: Tensor, z_t: Tensor) -> Tensor:
        at = (z_i[:, 0] > 0).long() + (z_t[:, 0] > 0).long()    # 0 nothing, 1 picture, 2 both
        return eps_of(lambda x: log_p(at, x, row(t)), x)

    def goal(x: Tensor, s_i: float, s_t: float) -> Tensor:
        nothing, image, both = (log_p(k, x, row(t)) for k in range(3))
        return nothing + s_i * (image - nothing) + s_t * (both - image)

    for s_i, s_t, what in ((1.0, 1.0, "that is p(x | z_i, z_t)"), (0.0, 0.0, "that is p(x)"),
                           (1.0, 0.0, "that is p(x | z_i)"), (2.0, 0.5, "by differences"),
                           (0.5, 4.0, "by differences"), (-1.0, 2.0, "by differences")):
        got = call(guided_eps, at_most(3, eps_model), x, t, z_i, z_t, none_i, none_t, s_i, s_t, 0.0)
        expect_close(f"ε̃ with s_i = {s_i}, s_t = {s_t} and φ = 0, {what}", got,
                     eps_of(lambda x, s_i=s_i, s_t=s_t: goal(x, s_i, s_t), x),
                     "Bayes: p(z_t | x, z_i) is p(x | z_i, z_t) over p(x | z_i), up to a constant.",
                     rtol=1e-6, atol=1e-6, dtype=torch.float64)


def row_by_row(eps_model: Callable, x: Tensor, t: Tensor, z_i: Tensor, z_t: Tensor, none_i: Tensor,
               none_t: Tensor, s_i: float, s_t: float, phi: float) -> Tensor:
    """ε̃ of each picture, written with one factor for each answer, float64."""
    rows = []
    for j in range(len(x)):
        ask = lambda image, text, j=j: eps_model(x[j:j + 1], t[j:j + 1], image[None],
                                                 text[None]).double()
        o, p, b = ask(none_i, none_t), ask(z_i[j], none_t), ask(z_i[j], z_t[j])
        mixed = (1 - s_i) * o + (s_i - s_t) * p + s_t * b
        wanted, before = (math.sqrt(e.square().sum().item()) for e in (b, mixed))
        scaled = mixed * (wanted / before) if before else mixed
        rows.append(phi * scaled + (1 - phi) * mixed)
    return torch.cat(rows)


def _row_by_row(guided_eps, rng: torch.Generator, shape: tuple[int, ...],
                dtype: torch.dtype) -> None:
    """Rows over decades, next to each other; networks that know x, t and both conditions."""
    n, tolerance = shape[0], 1e-5 if dtype == torch.float32 else 1e-10
    x = torch.randn(shape, dtype=dtype, generator=rng)
    t = torch.arange(n) * 7 + 3
    z_i, none_i = torch.randn(n, 3, dtype=dtype, generator=rng), torch.randn(3, dtype=dtype,
                                                                             generator=rng)
    z_t, none_t = torch.randn(n, 2, dtype=dtype, generator=rng), torch.randn(2, dtype=dtype,
                                                                             generator=rng)
    cells = math.prod(shape[1:])
    w_i, w_t = torch.randn(3, cells, generator=rng), torch.randn(2, cells, generator=rng)

    def eps_model(x: Tensor, t: Tensor, z_i: Tensor, z_t: Tensor) -> Tensor:
        x, dtype, size = x.double(), x.dtype, 10.0 ** (5 - (t.double() - 3) / 7 * 3.5)
        z_i, z_t = z_i.double(), z_t.double()
        hint = (z_i @ w_i.double()).sin() + 0.7 * (z_t @ w_t.double() + z_i[:, :1]).sin()
        hint = hint + 1.5 + 0.1 * torch.sin(x.flatten(1))
        return (hint * size[:, None] / math.sqrt(cells)).reshape(x.shape).to(dtype)

    size = 10.0 ** (5 - torch.arange(n).double() * 3.5).reshape(-1, *[1] * (len(shape) - 1))
    precise = [z.double() for z in (z_i, z_t, none_i, none_t)]
    for s_i, s_t, phi in ((1.0, 1.0, 0.0), (1.0, 1.0, 1.0), (3.0, 7.5, 0.0), (3.0, 7.5, 0.7),
                          (3.0, 7.5, 1.0), (-0.5, 2.0, 0.3), (2.0, -1.5, 0.4), (0.0, 0.0, 0.5),
                          (1e4, 1.0, 0.2), (1.0, -1e4, 0.9), (0.1, 1e-3, 0.6)):
        asked = Asked(eps_model)
        got = call(guided_eps, asked, x, t, z_i, z_t, none_i, none_t, s_i, s_t, phi)
        expected = row_by_row(eps_model, x.double(), t, *precise, s_i, s_t, phi)
        scale = size * max(1.0, abs(s_i), abs(s_t))
        expect_tensor(f"ε̃ of pictures of shape {shape}", got, shape, dtype,
                      "It is as x_t is.")
        # φ on a mixture whose terms cancel: its direction is good to the rounding over its length
        mixed = row_by_row(eps_model, x.double(), t, *precise, s_i, s_t, 0.0).flatten(1)
        least = (mixed.norm(dim=1) / scale.flatten(1)[:, 0]).clamp(1e-3, 1).reshape(size.shape)
        expect_close(f"ε̃ of pictures of shape {shape}, in units of what the network says and of "
                     f"the larger exponent, with s_i = {s_i:g}, s_t = {s_t:g} and φ = {phi:g}",
                     got.double() / scale * least, expected / scale * least,
                     "Each picture has its own length: the root of the sum of its squares. φ mixes "
                     "the rescaled mixture and the mixture.", rtol=tolerance, atol=10 * tolerance)
        asked.expect_integers(1, "t as the network gets it")
        _asked_well(asked, x, t, z_i, z_t, none_i, none_t)


def _asked_well(asked: Asked, x: Tensor, t: Tensor, z_i: Tensor, z_t: Tensor, none_i: Tensor,
                none_t: Tensor) -> None:
    rows = sum(len(args[0]) for args in asked.calls)
    assert rows == 3 * len(x), (
        f"the network was asked about {rows} pictures in all: expected three answers for each of "
        f"{len(x)}.")
    for about, _, image, text in asked.calls:
        m = len(about)
        for name, got, shape in (("x_t", about, (m, *x.shape[1:])),
                                 ("z_i", image, (m, len(none_i))),
                                 ("z_t", text, (m, len(none_t)))):
            expect_tensor(f"the {name} that the network is asked about", got, shape, x.dtype,
                          "All its arguments have one row a picture.")
        alone = (image == none_i).all(1) & ~(text == none_t).all(1)
        assert not alone.any(), ("the network was asked for a caption without a picture: its three "
                                 "answers are with nothing, with the picture, with both.")


def _nothing_left(guided_eps, rng: torch.Generator, dtype: torch.dtype) -> None:
    """A mixture that is exactly 0, next to one that is not; and a network that hands back its
    input."""
    x, t = torch.randn(3, 4, dtype=dtype, generator=rng), torch.tensor([1, 2, 3])
    z, none = torch.ones(3, 2, dtype=dtype), torch.zeros(2, dtype=dtype)
    eps_model = lambda x, t, z_i, z_t: x * (t != 2).to(x.dtype)[:, None] * (1 + z_i[:, :1])
    for s_i in (0.0, 2.0):
        for phi in (0.0, 0.5, 1.0):
            got = call(guided_eps, at_most(3, eps_model), x, t, z, z, none, none, s_i, 1.0, phi)
            expected = x * torch.tensor([1.0, 0.0, 1.0])[:, None] * (1 - phi) * (1 + s_i)
            expected = expected + 2 * phi * x * torch.tensor([1.0, 0.0, 1.0])[:, None]
            expect_close("ε̃ where the network says 0 about one picture", got, expected,
                         "Where the mixture is 0, ε̃ is 0: no NaN from 0/0.", dtype=dtype)
    # with the picture twice of what there is with nothing: s_i = −1 leaves exactly 0
    got = call(guided_eps, at_most(3, eps_model), x, t, z, z, none, none, -1.0, 1.0, 1.0)
    expect_close("ε̃ where the answers cancel exactly", got, torch.zeros(3, 4),
                 "Where the mixture is 0, ε̃ is 0.", dtype=dtype, atol=0)
    # that answer is x_t itself, the others 2, 3 or 4 x_t
    for own, name in enumerate(("with nothing", "with the picture", "with both")):
        def hands_back(x: Tensor, t: Tensor, z_i: Tensor, z_t: Tensor, own: int = own) -> Tensor:
            which = (z_i[:, :1] + z_t[:, :1]).to(x.dtype)
            return x if (which == own).all() else torch.where(which == own, x, (2 + which) * x)

        nothing, image, both = (1 if own == k else 2 + k for k in range(3))
        factor = nothing + 2.0 * (image - nothing) + 3.0 * (both - image)
        factor = 0.5 * math.copysign(both, factor) + 0.5 * factor
        got = call(guided_eps, at_most(3, hands_back), x, t, z, z, none, none, 2.0, 3.0, 0.5)
        expect_close(f"ε̃ where the network's answer {name} is its input itself", got, factor * x,
                     "What the network returns is not yours to change.", dtype=dtype)
