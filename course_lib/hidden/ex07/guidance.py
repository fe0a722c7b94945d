"""Exercise 7, guidance: a guided x_0, a guided mean, and guidance without a classifier."""
import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.checks import at_most, call, expect_close, expect_tensor
from course_lib.checks.facts import slopes
from course_lib.checks.facts.callbacks import Asked
from course_lib.checks.facts.chains import conditional, per_image
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.diffusion import schedule
from course_lib.hidden.ex07.ddim import SHAPES, decades


def check_guided_x_0(guided_x_0, seed: int = 0) -> None:
    rng = seeded(seed)
    for noise in (schedule.linear(1000), schedule.cosine(50)):
        for dtype, rtol in ((torch.float32, 2e-4), (torch.float64, 1e-10)):
            t = torch.randint(1, int(0.8 * noise.T), (5,), generator=rng)
            t[0] = 1
            _guided_by_y(guided_x_0, rng, noise.alpha_bar, t, dtype, rtol)
            for shape in SHAPES:
                _each_x_0_alone(guided_x_0, rng, noise.alpha_bar, shape, dtype, rtol)
    _shift_alone(guided_x_0, rng)


def _shift_alone(guided_x_0, rng: torch.Generator) -> None:
    """ᾱ_t from 1 − 1e-9 to 1e-14. How far x_0 moves is seen where x_0 and x_t are 0."""
    alpha_bar = decades()
    t = torch.arange(1, len(alpha_bar))
    gradient = torch.randn(len(t), 2, dtype=torch.float64, generator=rng)
    zero = 0 * gradient
    for scale in (2.0, 1.0, 0.1, -1e6):
        shift = call(guided_x_0, zero, zero, gradient, alpha_bar, t, scale) / scale
        expect_close(f"how far x_0 moves for each unit of the scale {scale:g}, in units of "
                     "(1 − ᾱ_t)/√ᾱ_t, where ᾱ_t is as small as 1e-14 or nearly 1",
                     shift * per_image(alpha_bar[t].sqrt() / (1 - alpha_bar[t]), zero), gradient,
                     "Nothing keeps ᾱ_t away from 0 or from 1 here.", rtol=1e-6, atol=0)


def _each_x_0_alone(guided_x_0, rng: torch.Generator, alpha_bar: Tensor, shape: tuple[int, ...],
                    dtype: torch.dtype, rtol: float) -> None:
    x_0, x_t, gradient = torch.randn(3, *shape, dtype=dtype, generator=rng)
    t = torch.randint(len(alpha_bar) // 4, len(alpha_bar) // 2, (len(x_0),), generator=rng)
    row = lambda x, i: x[i:i + 1].reshape(1, -1)
    alone = torch.cat([call(guided_x_0, row(x_0, i), row(x_t, i), row(gradient, i), alpha_bar,
                            t[i:i + 1], 1.5) for i in range(len(x_0))]).reshape(shape)
    close = lambda what, got, expected, hint: expect_close(
        f"{what} of images of shape {shape}", got, expected, hint, rtol=rtol, atol=4 * rtol,
        dtype=dtype)
    close("the guided x_0", call(guided_x_0, x_0, x_t, gradient, alpha_bar, t, 1.5), alone,
          "Each image has its own time, and what it gets does not depend on the others or on the "
          "shape.")
    for power in (-6, 6):
        size = per_image(10.0 ** (power * torch.linspace(1, 0.2, len(x_0)).double()), x_0)
        got = call(guided_x_0, size * x_0, size * x_t, size * gradient, alpha_bar, t, 1.5)
        close("the guided x_0, in units of its inputs where these are very small or very large,",
              got / size, alone, "It is linear in them: nothing is clamped.")
    large = call(guided_x_0, x_0, x_t, gradient, alpha_bar, t, 1.5e5)
    close("how far x_0 moves for each unit of a large scale, and", (large - x_0) / 1e5, alone - x_0,
          "The scale may be any number.")
    for scale in (1.5, 1.0, -2e3):
        _, on_x_0 = call(guided_x_0, x_0, x_t, gradient, alpha_bar, t, scale, wrt=0)
        close("the gradient of the result's sum in x_0", on_x_0, torch.ones(shape),
              "Gradients flow to x_0: no detach(), no torch.no_grad().")
        _, on_gradient = call(guided_x_0, x_0, x_t, gradient, alpha_bar, t, scale, wrt=2)
        factor = call(guided_x_0, 0 * x_0, 0 * x_t, torch.ones_like(x_0), alpha_bar, t, scale)
        close("the gradient of the result's sum in `gradient`", on_gradient, factor,
              "Gradients flow to `gradient`: no detach(), no torch.no_grad().")


def _guided_by_y(guided_x_0, rng: torch.Generator, alpha_bar: Tensor, t: Tensor, dtype: torch.dtype,
                 rtol: float) -> None:
    """Each pixel alone: x_0 ~ N(m, c), x_t of it as always, and y ~ N(x_0, r). All of it is
    conditioning of a Gaussian."""
    x_t, y = torch.randn(2, 5, 2, 3, dtype=torch.float64, generator=rng)
    m = torch.randn((), generator=rng).item()
    c, r = uniform(rng, 2, low=0.3, high=2.0).tolist()
    a = alpha_bar[t]
    var_0, between, var_t = torch.full_like(a, c), a.sqrt() * c, a * c + 1 - a
    joint = torch.stack([var_0, between, var_0,
                         between, var_t, between,
                         var_0, between, var_0 + r], 1).view(-1, 3, 3)          # of x_0, x_t, y
    factors = lambda covariance: [per_image(x, x_t) for x in conditional(covariance)[0].T]
    [alone_on_x_t], [on_x_t, on_y] = factors(joint[:, :2, :2]), factors(joint)
    _, var_y = conditional(joint[:, 1:, 1:].flip(1, 2))                         # of y given x_t
    mean_t = per_image(a.sqrt() * m, x_t)
    x_0_of = lambda x: m + alone_on_x_t * (x - mean_t)                          # E[x_0 | x_t]
    both = m + on_x_t * (x_t - mean_t) + on_y * (y - m)                         # E[x_0 | x_t, y]
    log_p = lambda x: -(y - x_0_of(x)) ** 2 / (2 * per_image(var_y, x))         # of y given x_t
    gradient = slopes.derivative(log_p, x_t, 0.01)
    alone, size = x_0_of(x_t), both.abs().max().item()
    guided = lambda scale: call(guided_x_0, alone.to(dtype), x_t.to(dtype), gradient.to(dtype),
                                alpha_bar, t, scale)
    expect_close("the guided x_0 with scale 0", guided(0.0), alone,
                 "Without guidance nothing changes.", rtol=rtol, atol=rtol, dtype=dtype)
    expect_close("the guided x_0 with scale 1, where y is a Gaussian x_0 plus noise", guided(1.0),
                 both, "With the exact E[x_0 | x_t] and the exact gradient it is E[x_0 | x_t, y]. "
                 "Go from x_0 to ε, guide that, and go back.", rtol=rtol, atol=rtol * size,
                 dtype=dtype)
    for scale in (-0.7, 5.0):
        expect_close(f"the guided x_0 with scale {scale}", guided(scale),
                     alone + scale * (both - alone), "The scale multiplies the gradient, and what "
                     "the gradient adds to x_0 is proportional to it.", rtol=rtol,
                     atol=10 * rtol * size, dtype=dtype)


def check_guided_mean(guided_mean, seed: int = 0) -> None:
    rng = seeded(seed)
    x_t, mean, pull = torch.randn(3, 4, 3, dtype=torch.float64, generator=rng)
    log_var = 2 * torch.randn(4, 3, dtype=torch.float64, generator=rng) - 2
    t = torch.randint(2, 1000, (4,), generator=rng)
    _along_a_line(guided_mean, x_t, t, mean, log_var, pull)
    _along_a_bowl(guided_mean, x_t, t, mean, log_var, pull)
    for shape in SHAPES:
        for dtype, rtol in ((torch.float32, 2e-5), (torch.float64, 1e-11)):
            _over_decades(guided_mean, rng, shape, dtype, rtol)
    at = torch.tensor([[50.0, -50.0, 3e3]]).double()
    for large in (200.0, 600.0):
        far = torch.tensor([[-large, large, 0.0]]).double()
        shift = call(guided_mean, at, t[:1], 0 * at, far, at_most(1, lambda x, t: pull[:1]),
                     1.0) / pull[:1]
        expect_close(f"the logarithm of the shift over the gradient, for log-variances of "
                     f"±{large:g}", shift.log(), far, "Nothing is clamped.", rtol=1e-10)
    for scale in (0.1, -1 / 3, 200.0, 1e6, -1e6, 1e-6):
        shift = call(guided_mean, at, t[:1], 0 * at, log_var[:1],
                     at_most(1, lambda x, t: pull[:1]), scale)
        one = call(guided_mean, at, t[:1], 0 * at, log_var[:1],
                   at_most(1, lambda x, t: pull[:1]), 1.0)
        expect_close(f"how far the mean moves with scale {scale:g}, in units of the scale",
                     shift / scale, one, "The scale is any number, in the precision of the means.",
                     rtol=1e-10, atol=0, dtype=torch.float64)
    _says_its_input(guided_mean, x_t, t, mean, log_var)
    asked = Asked(lambda x, t: pull[:1])
    call(guided_mean, 0 * at, t[:1], at, 0 * far, asked, 1.0)
    expect_close("the point that `gradient` is asked about, far out", asked.calls[0][0], at,
                 "It is μ, as it is.", rtol=1e-12)
    for apart in (1e-2, 1e-4, 1e-6):
        asked = Asked(lambda x, t: pull)
        call(guided_mean, mean + apart * x_t, t, mean, log_var, asked, 1.0)
        expect_close(f"the point that `gradient` is asked about, where x_t is {apart:g} away from "
                     "μ, minus μ", asked.calls[0][0] - mean, 0 * mean, "It is μ, however small the "
                     "step.", atol=1e-12, rtol=0)
    images = torch.randn(3, 2, 1, 4, 4, generator=rng)
    flat = [image.flatten(1) for image in images]
    guided = lambda x_t, mean, log_var: call(guided_mean, x_t, t[:2], mean, log_var,
                                             at_most(1, lambda x, t: -x), 1.0)
    expect_close("the guided mean of images", guided(*images).flatten(1), guided(*flat),
                 "Each pixel stands alone.", dtype=torch.float32)


def mean_on_a_grid(log_p: Callable[[Tensor], Tensor], mean: Tensor, log_var: Tensor,
                   pull: Tensor) -> Tensor:
    """The mean of N(x; μ, Σ) p(y | x), normalised: sums over a grid, for each pixel.

    pull: about the slope of log p(y | x), which says how far the grid has to reach.
    """
    std = (log_var / 2).exp()
    reach = std * (1 + pull.abs() * std)
    x = mean + torch.linspace(-12, 12, 4001).double().reshape(-1, 1, 1) * reach
    log_gaussian = -(x - mean) ** 2 / (2 * log_var.exp())
    return ((log_gaussian + log_p(x)).softmax(0) * x).sum(0)


def _over_decades(guided_mean, rng: torch.Generator, shape: tuple[int, ...], dtype: torch.dtype,
                  rtol: float) -> None:
    """Variances of 1e-12 to 1e12, side by side; each image alone; gradients."""
    x_t, mean, pull = torch.randn(3, *shape, dtype=dtype, generator=rng)
    t = torch.randint(1, 1000, (len(mean),), generator=rng)
    log_var = math.log(1e12) * (2 * torch.rand(shape, dtype=dtype, generator=rng) - 1)
    asked = Asked(lambda x, t: pull[:len(x)])
    shift = call(guided_mean, x_t, t, 0 * mean, log_var, asked, -2.5)
    what = f"for images of shape {shape} and variances of 1e-12 to 1e12"
    expect_close(f"the logarithm of the shift over s times the gradient, {what}",
                 (shift / (-2.5 * pull)).double().log(), log_var,
                 "The variance of each pixel is exp of its own log_var: nothing is clamped.",
                 rtol=0, atol=rtol * 30)
    asked.expect_integers(1, "t as the gradient gets it")
    assert len(asked.calls) == 1, (
        f"the gradient was asked {len(asked.calls)} times: expected once, for all images.")
    expect_tensor("the point that `gradient` is asked about", asked.calls[0][0], shape, dtype,
                  "It is μ, as it is.")
    args = x_t, t, mean, log_var, lambda x, t: pull, 1.5
    shift, slope = call(guided_mean, x_t, t, 0 * mean, *args[3:], wrt=3)
    expect_close(f"the gradient of the result's sum in log_var, in units of the shift, {what}",
                 slope / shift, torch.ones(shape), "The shift is an exponential of log_var, "
                 "however small or large.", rtol=0, atol=10 * rtol)
    log_var = log_var / 10
    answer = lambda i: call(guided_mean, x_t[i], t[i], mean[i], log_var[i],
                            at_most(1, lambda x, t: pull[i] * torch.cos(x)), 1.5)
    alone = torch.cat([answer(slice(i, i + 1)) for i in range(len(mean))])
    expect_close(f"the guided mean {what}", answer(slice(None)), alone,
                 "What an image gets does not depend on the others.", rtol=rtol, atol=rtol,
                 dtype=dtype)
    args = x_t, t, mean, log_var, lambda x, t: pull, 1.5
    result = call(guided_mean, *args)
    for i, name, expected in ((2, "mean", torch.ones(shape)), (3, "log_var", result - mean)):
        _, slope = call(guided_mean, *args, wrt=i)
        expect_close(f"the gradient of the result's sum in {name}", slope, expected,
                     f"Gradients flow to {name}, with what `gradient` says as a constant: no "
                     "detach(), no torch.no_grad().", rtol=10 * rtol, atol=10 * rtol)


def _says_its_input(guided_mean, x_t: Tensor, t: Tensor, mean: Tensor, log_var: Tensor) -> None:
    """Where `gradient` is x itself, or a function of x: what it says stays as it is, and is a
    constant."""
    itself = call(guided_mean, x_t, t, mean, log_var, at_most(1, lambda x, t: x), 1.5)
    expect_close("the shift where the gradient at x is x itself, in units of the variance",
                 (itself - mean) / log_var.exp(), 1.5 * mean,
                 "What `gradient` returns may be μ: don't change it in place.", rtol=1e-8,
                 atol=1e-8)
    for name, gradient in (("−x", lambda x, t: -x), ("sin x", lambda x, t: torch.sin(x))):
        _, slope = call(guided_mean, x_t, t, mean, log_var, at_most(1, gradient), 1.5, wrt=2)
        expect_close(f"the gradient of the result's sum in mean, where the gradient at x is {name}",
                     slope, torch.ones_like(mean),
                     "What `gradient` says counts as a constant: detach() it.", rtol=1e-12)


def _along_a_line(guided_mean, x_t: Tensor, t: Tensor, mean: Tensor, log_var: Tensor,
                  pull: Tensor) -> None:
    """Where log p(y | x) = pull x."""
    expected = mean_on_a_grid(lambda x: pull * x, mean, log_var, pull)
    asked = Asked(lambda x, t: pull[:len(x)])
    got = call(guided_mean, x_t, t, mean, log_var, asked, 1.0)
    asked.expect_integers(1, "t as the gradient gets it")
    assert len(asked.calls) == 1, (
        f"the gradient was asked {len(asked.calls)} times: expected once, for all images.")
    expect_close("the guided mean where log p(y | x) is a straight line", got, expected,
                 "N(μ, Σ) times the exponential of a line is a Gaussian with another mean, and how "
                 "far it moves is a matter of that pixel's variance. log_var is the logarithm of "
                 "σ², for each pixel.", rtol=1e-6, atol=1e-7, dtype=torch.float64)
    x, told = asked.calls[0]
    expect_close("the t that the gradient is told", told, t, "Pass on the t that is given.", rtol=0,
                 atol=0)
    expect_close("the point where the gradient is taken", x, mean, "This question asks for it "
                 "where the derivation expands log p(y | x).", rtol=0, atol=1e-12)


def _along_a_bowl(guided_mean, x_t: Tensor, t: Tensor, mean: Tensor, log_var: Tensor,
                  pull: Tensor) -> None:
    """Where log p(y | x) = −0.7 (x − pull)²."""
    bowl = lambda x: -0.7 * (x - pull) ** 2
    down = lambda x, t: slopes.derivative(bowl, x.double(), 0.01).to(x.dtype)
    small = 0.5 * log_var.clamp(-2, 2) - 9
    expected = mean_on_a_grid(bowl, mean, small, pull)
    got = call(guided_mean, x_t, t, mean, small, at_most(1, down), 1.0)
    expect_close("how far the mean moves, in units of Σ, where Σ is small",
                 (got - mean) / small.exp(), (expected - mean) / small.exp(),
                 "A narrow Gaussian sees of log p its tangent at μ only.", rtol=5e-3, atol=5e-3)
    for dtype, rtol in ((torch.float32, 1e-4), (torch.float64, 1e-8)):
        typed = [x_t.to(dtype), t, mean.to(dtype), log_var.to(dtype), down]
        guided = lambda scale, typed=typed: call(guided_mean, *typed, scale)
        expect_close("the guided mean with scale 0", guided(0.0), mean.to(dtype),
                     "Without guidance it is the model's own.", dtype=dtype)
        one = guided(1.0).double()
        for scale in (-0.5, 4.0):
            expect_close(f"the guided mean with scale {scale}", guided(scale),
                         mean + scale * (one - mean), "The scale multiplies the shift that scale 1 "
                         "gives.", rtol=rtol, atol=rtol * max(1.0, one.abs().max().item()),
                         dtype=dtype)


def check_classifier_free(classifier_free, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype, rtol in ((torch.float32, 2e-4), (torch.float64, 1e-7)):
        _composed(classifier_free, rng, dtype, rtol)
        for shape in SHAPES:
            _each_eps_alone(classifier_free, rng, shape, dtype)
        _any_label(classifier_free, rng, dtype)


def _composed(classifier_free, rng: torch.Generator, dtype: torch.dtype, rtol: float) -> None:
    """Data N(m_y, c_y) in each class y."""
    none = 5                                    # classes 0 … 4, and the label for "no class"
    m = torch.randn(none + 1, 3, dtype=torch.float64, generator=rng)
    c = uniform(rng, none + 1, 3, low=0.3, high=2.0)
    alpha_bar = schedule.cosine(100).alpha_bar
    x = torch.randn(4, 3, dtype=torch.float64, generator=rng)
    t = torch.randint(1, 90, (4,), generator=rng)
    y, y_not, nobody = torch.tensor([[0, 1, 2, 3], [3, 2, 4, 0], [none] * 4])

    def log_p(x: Tensor, y: Tensor, t: Tensor = t) -> Tensor:
        """log p_t(x | y), (batch,), up to a constant."""
        a = alpha_bar[t][:, None]
        return (-(x - a.sqrt() * m[y]) ** 2 / (2 * (a * c[y] + 1 - a))).sum(1)

    def eps_of(log_p: Callable, x: Tensor, t: Tensor) -> Tensor:
        return -per_image((1 - alpha_bar[t]).sqrt(), m) * slopes.gradient(log_p, x.double())

    def eps_model(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        return eps_of(lambda x: log_p(x, y, t), x, t).to(x.dtype)

    def guided(y: Tensor, y_not: Tensor, w: float, u: float) -> Tensor:
        asked = Asked(eps_model)
        got = call(classifier_free, asked, x.to(dtype), t, y, y_not, none, w, u)
        asked.expect_integers(1, "t as the network gets it")
        asked.expect_integers(2, "the class as the network gets it")
        return got

    def goal(x: Tensor, w: float, u: float) -> Tensor:
        """log of p(x) p(y | x)^(1 + w) / p(y' | x)^u."""
        likelihood = lambda y: log_p(x, y) - log_p(x, nobody)
        return log_p(x, nobody) + (1 + w) * likelihood(y) - u * likelihood(y_not)

    def close(what: str, got, expected: Tensor, hint: str) -> None:
        expect_close(f"the guided ε for {what}", got, expected, hint, rtol=rtol, atol=20 * rtol,
                     dtype=dtype)

    close("w = 0, u = 0", guided(y, y_not, 0.0, 0.0), eps_model(x, t, y),
          "Then p(x) p(y | x) is what is sampled: the conditional model.")
    close("w = −1, u = 0", guided(y, y_not, -1.0, 0.0), eps_model(x, t, nobody),
          "Then nothing is left of the class: p(x).")
    close("w = −1, u = −1", guided(y, y_not, -1.0, -1.0), eps_model(x, t, y_not),
          "Divided by p(y' | x) to the −1: that is a wish for y'.")
    close("y' = y, u = 1 + w", guided(y, y, 1.5, 2.5), eps_model(x, t, nobody),
          "What one factor adds, the other takes away: p(x).")
    for w, u in ((2.0, 0.0), (0.5, 0.8), (3.0, 1.7), (0.0, 0.5), (-1.0, 0.5), (-0.4, 0.7),
                 (0.5, -2.5)):
        expected = eps_of(lambda x, w=w, u=u: goal(x, w, u), x, t)
        close(f"w = {w}, u = {u}, whose score was found by differences", guided(y, y_not, w, u),
              expected, "Take the log and its slope. p(y | x) is p(x | y) p(y) / p(x): how often "
              "does p(x) come in, all in all?")


def _each_eps_alone(classifier_free, rng: torch.Generator, shape: tuple[int, ...],
                    dtype: torch.dtype) -> None:
    """A network that knows nothing but x, t and the label, over many decades."""
    atol = 4e-6 if dtype == torch.float32 else 1e-12
    x = torch.randn(shape, dtype=dtype, generator=rng)
    t = torch.randint(1, 1000, (len(x),), generator=rng)
    y, y_not = torch.rand(2, len(x), 5, generator=rng).argsort(-1)[..., 0]
    size = per_image(10.0 ** torch.linspace(6, -6, 5).double()[:len(x)], x)
    table = torch.randn(6, dtype=torch.float64, generator=rng)

    def eps_model(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        return x * per_image(table[y] + t / 1000, x)

    def guided(w: float, u: float, i: slice = slice(None)) -> Tensor:
        asked = Asked(eps_model)
        got = call(classifier_free, asked, (size * x)[i], t[i], y[i], y_not[i], 5, w, u)
        asked.expect_integers(1, "t as the network gets it")
        asked.expect_integers(2, "the class as the network gets it")
        rows = [len(args[0]) for args in asked.calls]
        assert sum(rows) <= 3 * len(got), (
            f"the network was asked about {sum(rows)} images: expected three answers for each of "
            f"{len(got)}.")
        for about, *_ in asked.calls:
            expect_tensor("what the network is asked", about, (len(about), *shape[1:]), dtype,
                          "It is asked about x_t in its own shape and dtype.")
        return got / size[i]

    close = lambda what, got, expected, hint: expect_close(
        f"the guided ε of images of shape {shape}, {what}", got, expected, hint, rtol=atol,
        atol=20 * atol, dtype=dtype)
    wanted, without, unwanted = (
        eps_model(x, t, label) for label in (y, torch.full_like(y, 5), y_not))
    close("w = 0, u = 0", guided(0.0, 0.0), wanted, "Then it is the conditional model.")
    for w, u in ((1.5, 0.0), (-3.0, 0.4), (0.7, -1.0), (200.0, 7.0), (-1e4, 1e4), (0.1, -1e6)):
        close(f"w = {w}, u = {u}", guided(w, u) / (1 + abs(w) + abs(u)),
              (without + (1 + w) * (wanted - without) + u * (without - unwanted))
              / (1 + abs(w) + abs(u)),
              "1 + w and u count how often each difference comes in: nothing is clamped.")
    alone = torch.cat([guided(1.5, 0.5, slice(i, i + 1)) for i in range(len(x))])
    close("each alone", alone, guided(1.5, 0.5), "Each image has its own classes and time.")


def _any_label(classifier_free, rng: torch.Generator, dtype: torch.dtype) -> None:
    """"No class" may be any whole number, and stand for y or for y' as well; the network may hand
    back its own input."""
    atol = 4e-6 if dtype == torch.float32 else 1e-12
    x = torch.randn(5, 3, dtype=dtype, generator=rng)
    t = torch.randint(1, 1000, (5,), generator=rng)
    eps_model = lambda x, t, y: torch.cos(per_image(y.double().sin() + t / 1000, x) + x)
    for none in (0, -1, 3, 1000):
        y, y_not = torch.tensor([[1, none, 2, none, 4], [2, 1, none, none, 4]])
        for w, u in ((1.5, 0.7), (-0.4, 2.0)):
            wanted, unwanted, without = (eps_model(x.double(), t, label)
                                         for label in (y, y_not, torch.full_like(y, none)))
            expected = wanted + u * (without - unwanted)
            expected = expected + w * (wanted - without)
            expect_close(f"the guided ε where none = {none} and w = {w}, u = {u}; y and y' may be "
                         "none, too", call(
                             classifier_free, at_most(3, eps_model), x, t, y, y_not, none, w, u),
                         expected, "`none` is any whole number. Where y or y' is it, p(∅ | x) "
                         "is a constant, and the other class counts as ever.", rtol=atol,
                         atol=20 * atol, dtype=dtype)
    itself = call(classifier_free, at_most(3, lambda x, t, y: x), x, t, y, y_not, 9, 1.5, 0.7)
    expect_close("the guided ε where the network's answer is its input itself", itself, x,
                 "What the network returns is not yours to change: e = e - o, not e -= o.",
                 rtol=atol, atol=20 * atol, dtype=dtype)
