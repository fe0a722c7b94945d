"""Exercise 6, the forward chain: schedule, jumps over many steps, posteriors, divergence."""
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_results, expect_tensor
from course_lib.checks.facts.chains import per_image
from course_lib.checks.facts.draws import random_alpha_bar, random_pairs, seeded, uniform
from course_lib.hidden.chains import posterior as exact_posterior
from course_lib.hidden.chains import transition

DOUBLE = torch.float64
TOLERANCE = {torch.float32: {"rtol": 2e-5, "atol": 5e-6}, DOUBLE: {"rtol": 1e-9, "atol": 1e-10}}
# Equal sizes too, where a wrong broadcast raises no error, and ones, which `squeeze` loses.
SHAPES = ((1, 1), (3, 3), (5, 2), (1, 4), (2, 1, 3, 3), (1, 1, 1, 1), (4, 3, 4, 4),
          (3, 2, 3), (2, 1, 2, 1, 2))
SIZES = (1e-6, 1e6)
FREE = ("Nothing is clamped or repaired: what is NaN stays so, in its own pixel, and no other "
        "pixel knows of it.")
SLOPE = ("It is what stands before it in the result: compute with tensors all the way, without "
         "detach, item or no_grad.")


def decades(rng: torch.Generator, dtype: torch.dtype) -> Tensor:
    """ᾱ of seven steps: two that hardly disturb a clean picture, one that adds next to nothing
    later, and one that leaves little; in float64 next to nothing."""
    least, smallest = (1e-6, 0.05) if dtype == torch.float32 else (1e-4, 1e-9)
    lost = torch.tensor([least, least, 0.2, 1e-9, 0.3], dtype=DOUBLE) * uniform(rng, 5, low=0.5)
    alpha = torch.cat([1 - lost, smallest * uniform(rng, 1, low=0.5), uniform(rng, 1, low=0.6)])
    return torch.cat([torch.ones(1, dtype=DOUBLE), alpha]).cumprod(0)


def scaled(rng: torch.Generator, *shape: int, dtype: torch.dtype) -> Tensor:
    """Normal pictures, each of its own size, up to thousands."""
    sizes = 10 ** uniform(rng, shape[0], low=0, high=4)
    sizes[-1] = 1000
    x = torch.randn(shape, dtype=dtype, generator=rng)
    return per_image(sizes, x) * x


def tolerance_for(*pictures: Tensor, tolerance: dict[str, float] | None = None) -> dict[str, float]:
    """The tolerance, that of their dtype unless given, which grows with the largest number."""
    tolerance = tolerance or TOLERANCE[pictures[0].dtype]
    largest = max(x.abs().max().item() for x in pictures)
    return {**tolerance, "atol": tolerance["atol"] * max(1, largest / 4)}


def extreme_alpha_bar(T: int, lambda_1: float, lambda_T: float) -> Tensor:
    """The table of a log-SNR on a straight line, question 1's, which may be extreme."""
    shares = [1 / (1 + math.exp((lambda_1 - lambda_T) * i / (T - 1) - lambda_1)) for i in range(T)]
    return torch.tensor([1.0, *shares], dtype=DOUBLE)


def extremes(rng: torch.Generator) -> list[float]:
    """A log-SNR to begin with and one to end with, far from each other."""
    return [uniform(rng, low=8, high=11.9).item(), uniform(rng, low=-19.9, high=-14).item()]


def expect_linear(what: str, answer, pictures: tuple[Tensor, ...], expected: Tensor) -> None:
    """Pictures a million times as small or large have a result as small or large."""
    for size in SIZES:
        got = answer(*(size * x for x in pictures))
        expect_close(f"{size:g} times {what}, for pictures of that size", got.double() / size,
                     expected, "Nothing is clamped, and nothing added, however large or small the "
                     "pictures are.", **tolerance_for(*pictures))


def expect_free(what: str, answer, x: Tensor, value: float = torch.nan) -> None:
    """A NaN, or inf, in one pixel of x stays there, and nowhere else."""
    i = (min(1, len(x) - 1), *[0] * (x.ndim - 1))
    spoilt = x.clone()
    spoilt[i] = value
    expected = answer(x).double()
    expected[i] = value
    got = answer(spoilt)
    expect_close(what, got.where(~got.isnan(), -987.5), expected.where(~expected.isnan(), -987.5),
                 FREE)


def expect_slope(what: str, answer, args: tuple, i: int, factor: Tensor, **tolerance) -> None:
    """The result's sum has the slope `factor` of each picture in argument i."""
    _, gradient = call(answer, *args, wrt=i)
    expect_close(f"the gradient of {what}", gradient,
                 per_image(factor, args[i].double()).expand(args[i].shape), SLOPE, **tolerance)


def check_schedule(schedule, seed: int = 0) -> None:
    rng = seeded(seed)
    high, low = uniform(rng, 2, low=3, high=9).tolist()
    some = int(torch.randint(20, 60, (), generator=rng))
    for T, first, last in ((7, high, -low), (2, 1.5, -0.5), (100, 9.0, -12.0), (some, 2.0, -3.0),
                           (2, 11.9, -19.5), (1000, 11.5, -19.0), (3, 0.5, 0.4), (some, 11.9, 11.0),
                           (some, -7.0, -19.9), (10, 6, -4),
                           (1000, 11.9, 11.0), (4, 3 + 1e-6 * high, 3.0), (2, 8.0, 8 - 1e-5)):
        where = f"for T = {T} and a log-SNR from {first:.3g} to {last:.3g}"
        tables = expect_results(call(schedule, T, first, last), "beta, alpha and alpha_bar", 3)
        for name, table in zip(("beta", "alpha", "alpha_bar"), tables):
            expect_tensor(f"{name} {where}", table, (T + 1,), DOUBLE,
                          "Index 0 stands for no noise, then come t = 1 … T.")
        beta, alpha, alpha_bar = tables
        exact = {"rtol": 1e-9, "atol": 1e-15}
        expect_close(f"alpha_bar[0], alpha[0] and beta[0] {where}",
                     torch.stack([alpha_bar[0], alpha[0], beta[0]]), torch.tensor([1.0, 1.0, 0.0]),
                     "Index 0 stands for no noise: all of the picture is kept, no variance is "
                     "added.", **exact)
        log_snr = (alpha_bar[1:] / (1 - alpha_bar[1:])).log()
        expect_close(f"the log-SNR at t = 1 {where}", log_snr[0], first,
                     "SNR is signal over noise, alpha_bar/(1 - alpha_bar); the first value belongs "
                     "to t = 1, not to t = 0. All in float64.", rtol=1e-9, atol=1e-9)
        expect_close(f"the log-SNR {where}", log_snr, torch.linspace(first, last, T, dtype=DOUBLE),
                     "The log of alpha_bar/(1 - alpha_bar) falls by the same amount at each step, "
                     "and ends at t = T.", rtol=1e-9, atol=1e-9)
        expect_close(f"alpha[1] alpha[2] … alpha[t] {where}", alpha.cumprod(0), alpha_bar,
                     "alpha_bar is the product of the alphas so far: which alpha takes alpha_bar "
                     "from t - 1 to t?", **exact)
        expect_close(f"beta {where}", beta[1:], 1 - alpha_bar[1:] / alpha_bar[:-1],
                     "It is what a step does not keep, however little: nothing is clipped.",
                     rtol=1e-5, atol=2e-14)
        expect_close(f"alpha + beta {where}", alpha + beta, torch.ones(T + 1),
                     "Each step keeps the variance: alpha = 1 - beta.", **exact)


def pictures_and_times(rng: torch.Generator, T: int) -> Iterator[tuple[Tensor, ...]]:
    """For each shape and precision: ᾱ, times s < t, and two pictures for each pair of times; at
    last all pairs of times at once, on a table with all sizes of steps."""
    for dtype in TOLERANCE:
        for shape in SHAPES:
            alpha_bar, (s, t) = random_alpha_bar(rng, T), random_pairs(rng, T, shape[0])
            yield alpha_bar, s, t, *torch.randn(2, *shape, dtype=dtype, generator=rng)
        for alpha_bar in (decades(rng, dtype), extreme_alpha_bar(5, *extremes(rng))):
            s, t = torch.combinations(torch.arange(len(alpha_bar))).T.contiguous()
            yield alpha_bar, s, t, *torch.randn(2, len(s), 2, dtype=dtype, generator=rng)
        alpha_bar, (s, t) = random_alpha_bar(rng, T), random_pairs(rng, T, 5)
        yield alpha_bar, s, t, *(scaled(rng, 5, 1, 2, 2, dtype=dtype) for _ in range(2))


def check_jump(jump, seed: int = 0) -> None:
    rng, T = seeded(seed), 9
    for inputs in pictures_and_times(rng, T):
        _jumps(jump, *inputs)
    alpha_bar, s, t = random_alpha_bar(rng, T), torch.zeros(T).long(), torch.arange(1, T + 1)
    one = torch.ones(T, 1, dtype=DOUBLE)
    expect_close("the square of what is left of x_0 at t = 1 … T",
                 call(jump, one, s, t, 0 * one, alpha_bar).square(), alpha_bar[1:, None],
                 "For s = 0 this is x_t given x_0, whose mean is x_0 times the root of alpha_bar.",
                 rtol=1e-10)


def _jumps(jump, alpha_bar: Tensor, s: Tensor, t: Tensor, x_s: Tensor, eps: Tensor) -> None:
    where = f"from s = {s.tolist()} to t = {t.tolist()}, shape {tuple(x_s.shape)},"
    x_t = lambda x_s, eps: call(jump, x_s, s, t, eps, alpha_bar)

    def close(what: str, got, expected: Tensor, hint: str) -> None:
        expect_close(f"x_t {where}{what}", got, expected, hint, dtype=eps.dtype,
                     **tolerance_for(x_s, eps))

    factor, variance = transition(alpha_bar, s, t)
    mean = per_image(factor, x_s.double()) * x_s.double()
    noise = per_image(variance.sqrt(), eps.double()) * eps.double()
    close(" with eps = 0", x_t(x_s, 0 * eps), mean, "The mean after t - s single steps, each of "
          "which shrinks it. Each picture has its own s and t. Compute with the float64 table.")
    close(" with x_s = 0", x_t(0 * x_s, eps), noise, "eps times the standard deviation after t - s "
          "single steps, whose variances are shrunk and added up. Compute with the float64 table.")
    both = x_t(x_s, eps)
    close("", both, mean + noise, "Mean and noise are right alone: add the two.")
    if len(x_s) > 5:
        return
    expect_linear(f"x_t {where}", x_t, (x_s, eps), mean + noise)
    for i in range(len(x_s)):
        alone = call(jump, *(x[i:i + 1] for x in (x_s, s, t, eps)), alpha_bar)
        close(f" picture {i} alone", alone, (mean + noise)[i:i + 1], "A batch of one is a batch.")
    for i, of, what in ((0, factor, "x_s"), (3, variance.sqrt(), "eps")):
        expect_slope(f"x_t {where} in {what}", jump, (x_s, s, t, eps, alpha_bar), i, of,
                     **TOLERANCE[eps.dtype])
    for value in (torch.nan, torch.inf):
        expect_free(f"x_t {where} with {value} in x_s", lambda x: x_t(x, eps), x_s, value)
        expect_free(f"x_t {where} with {value} in eps", lambda e: x_t(x_s, e), eps, value)


def check_posterior(posterior, seed: int = 0) -> None:
    rng, T = seeded(seed), 8
    for inputs in pictures_and_times(rng, T):
        _posteriors(posterior, *inputs)
    alpha_bar, s, t = random_alpha_bar(rng, T), torch.zeros(4).long(), torch.tensor([1, 2, 5, T])
    x_0, x_t = torch.randn(2, 4, 3, generator=rng)
    mean, variance = call(posterior, x_0, x_t, s, t, alpha_bar)
    expect_close("the mean for s = 0", mean, x_0, "Given x_0, x_0 is known.", rtol=1e-6)
    expect_close("the variance for s = 0", variance, torch.zeros(4),
                 "Given x_0, x_0 is known: nothing is left to vary, and 0 is no small number.",
                 rtol=0, atol=0)


def _posteriors(posterior, alpha_bar: Tensor, s: Tensor, t: Tensor, x_0: Tensor,
                x_t: Tensor) -> None:
    where = f"for s = {s.tolist()}, t = {t.tolist()}, shape {tuple(x_0.shape)}"
    results = lambda x_0, x_t: expect_results(call(posterior, x_0, x_t, s, t, alpha_bar),
                                              "mean and variance", 2)
    tolerance = tolerance_for(x_0, x_t)

    def close(what: str, got, expected: Tensor, hint: str) -> None:
        expect_tensor(f"the {what} {where}", got, tuple(expected.shape), x_0.dtype,
                      "A mean for each pixel and a variance for each picture, also where there is "
                      "only one, in the dtype of x_t.")
        expect_close(f"the {what} {where}", got, expected, hint,
                     **TOLERANCE[x_0.dtype] if what == "variance" else tolerance)

    on_x_0, on_x_t, variance = exact_posterior(alpha_bar, s, t)
    of_x_0 = per_image(on_x_0, x_0.double()) * x_0.double()
    of_x_t = per_image(on_x_t, x_t.double()) * x_t.double()
    close("mean", results(x_0, x_t)[0], of_x_0 + of_x_t, "It is what conditioning the joint "
          "Gaussian of x_s and x_t gives, both given x_0: on paper, multiply q(x_s given x_0) and "
          "q(x_t given x_s) and complete the square in x_s.")
    close("part of x_0 in the mean", results(x_0, 0 * x_t)[0], of_x_0,
          "The mean is a weighted sum of x_0 and x_t.")
    close("part of x_t in the mean", results(0 * x_0, x_t)[0], of_x_t,
          "The mean is a weighted sum of x_0 and x_t.")
    close("variance", results(x_0, x_t)[1], variance, "One variance for each picture: 1 over the "
          "sum of the precisions that x_0 and x_t contribute. Is it a standard deviation?")
    small = variance < 1e-3
    if small.any():
        expect_close(f"a million times the small variances {where}",
                     1e6 * results(x_0, x_t)[1].double()[small], 1e6 * variance[small],
                     "Compute with the float64 table, and convert at the end.", rtol=1e-4,
                     atol=1e-6)
    if len(x_0) > 5:
        return
    expect_linear(f"the mean {where}", lambda *pictures: results(*pictures)[0], (x_0, x_t),
                  of_x_0 + of_x_t)
    for i in range(len(x_0)):
        alone = call(posterior, *(x[i:i + 1] for x in (x_0, x_t, s, t)), alpha_bar)
        close(f"mean of picture {i} alone", alone[0].expand(x_0.shape)[:1],
              (of_x_0 + of_x_t)[i:i + 1], "A batch of one is a batch.")
        expect_tensor(f"the variance of picture {i} alone", alone[1], (1,), x_0.dtype,
                      "A batch of one is a batch.")
        expect_close(f"the variance of picture {i} alone", alone[1], variance[i:i + 1],
                     "A batch of one is a batch.", **tolerance)
    mean = lambda x_0, x_t, s, t, alpha_bar: posterior(x_0, x_t, s, t, alpha_bar)[0]
    for i, of, what in ((0, on_x_0, "x_0"), (1, on_x_t, "x_t")):
        expect_slope(f"the mean {where} in {what}", mean, (x_0, x_t, s, t, alpha_bar), i, of,
                     **tolerance)
    expect_free(f"the mean {where} with a NaN in x_0", lambda x: results(x, x_t)[0], x_0)
    if s[min(1, len(s) - 1)] > 0:
        expect_free(f"the mean {where} with a NaN in x_t", lambda x: results(x_0, x)[0], x_t)


def kl_by_quadrature(mean_1: Tensor, log_var_1: Tensor, mean_2: Tensor,
                     log_var_2: Tensor) -> Tensor:
    """KL of two Gaussians, pixel by pixel on a grid, summed over a picture; in nats, (batch,).

    The grid counts in standard deviations of the first from its mean, so no scale escapes it.
    """
    u = torch.linspace(-12, 12, 961, dtype=DOUBLE)
    parts = torch.broadcast_tensors(mean_1, log_var_1, mean_2, log_var_2)
    m_1, v_1, m_2, v_2 = (x.double()[..., None] for x in parts)
    in_second = (m_1 - m_2) * torch.exp(-v_2 / 2) + torch.exp((v_1 - v_2) / 2) * u
    log_ratio = (v_2 - v_1 + in_second ** 2 - u ** 2) / 2
    density = torch.exp(-u ** 2 / 2) / math.sqrt(2 * math.pi)
    return torch.trapezoid(density * log_ratio, u).flatten(1).sum(1)


def check_gaussian_kl(gaussian_kl, seed: int = 0) -> None:
    rng = seeded(seed)
    for shape in ((5, 1), (2, 3), (3, 1, 2, 2), (1, 1), (1, 4), (1, 3, 1, 2), (3, 3), (2, 3, 2),
                  (2, 1, 2, 1, 2)):
        parts = torch.randn(4, *shape, dtype=DOUBLE, generator=rng)
        _divergences(gaussian_kl, f"for shape {shape}", *parts)
        mean_1, log_var_1, mean_2, log_var_2 = parts
        expect_close("KL of two equal Gaussians",
                     call(gaussian_kl, mean_1, log_var_1, mean_1, log_var_1),
                     torch.zeros(shape[0]), "It is 0 there, and positive elsewhere.", atol=1e-12)
        c = 1 + torch.rand(1, dtype=DOUBLE, generator=rng)
        grown = 2 * c.log()
        moved = call(gaussian_kl, 3 - c * mean_1, log_var_1 + grown, 3 - c * mean_2,
                     log_var_2 + grown)
        expect_close("KL after both pictures were turned to their negative, stretched and shifted",
                     moved, kl_by_quadrature(*parts), "A divergence does not depend on the unit "
                     "and the origin of a pixel.", rtol=1e-8, atol=1e-9)
        one_1, one_2 = (per_image(x.flatten(1)[:, 0], x) for x in (log_var_1, log_var_2))
        for which, first, second in (("the first", one_1, log_var_2), ("both", one_1, one_2),
                                     ("the second", log_var_1, one_2)):
            _divergences(gaussian_kl, f"for shape {shape} with one log-variance for all pixels in "
                         f"{which}", mean_1, first, mean_2, second)
    mean_1, log_var_1, mean_2, log_var_2 = (
        scaled(rng, 6, 3, dtype=DOUBLE), 3 * torch.randn(6, 3, dtype=DOUBLE, generator=rng),
        torch.randn(6, 3, dtype=DOUBLE, generator=rng), torch.randn(6, 1, dtype=DOUBLE,
                                                                    generator=rng))
    _divergences(gaussian_kl, "for means of all sizes", mean_1, log_var_1, mean_2, log_var_2)
    mean_2 = scaled(rng, 6, 3, dtype=DOUBLE).float()
    mean_2 *= per_image(10.0 ** torch.arange(-4, 2), mean_2)
    apart = torch.randn(6, 3, generator=rng) * torch.exp(log_var_2.float() / 2)
    _divergences(gaussian_kl, "for large means that are near each other",
                 *(x.float().double() for x in (mean_2 + apart, log_var_1, mean_2, log_var_2)))
    mean_2 = torch.randn(6, 3, dtype=DOUBLE, generator=rng)
    far = mean_1.clone()
    far[2, 1] = torch.inf
    expected = kl_by_quadrature(mean_1, log_var_1, mean_2, log_var_2)
    expected[2] = torch.inf
    expect_close("KL where one mean is inf, and the other pictures beside it",
                 call(gaussian_kl, far, log_var_1, mean_2, log_var_2), expected,
                 "Nothing is clamped or repaired.")
    for i, name in enumerate(NAMES):
        spoilt = [mean_1.clone(), log_var_1.clone(), mean_2.clone(), log_var_2.clone()]
        spoilt[i][3, 0] = torch.nan
        try:
            got = call(gaussian_kl, *spoilt)
        except ValueError:                                      # torch.distributions refuses NaN
            continue
        expected = kl_by_quadrature(mean_1, log_var_1, mean_2, log_var_2)
        expected[3] = -987.5
        expect_close(f"KL where one number of {name} is NaN, and -987.5 stands for NaN",
                     got.where(~got.isnan(), -987.5), expected, "A divergence that nobody knows is "
                     "NaN, and those of the other pictures are as before.")
    _far_variances(gaussian_kl, rng, FAR, 2)
    _far_variances(gaussian_kl, rng, HUGE, 1)


def _divergences(gaussian_kl, where: str, *parts: Tensor) -> None:
    """Value and gradients against quadrature, in both precisions."""
    for dtype, tolerance in TOLERANCE.items():
        args = [x.to(dtype) for x in parts]
        leaves = [x.double().requires_grad_() for x in args]
        expected = kl_by_quadrature(*leaves)
        gradients = torch.autograd.grad(expected.sum(), leaves)
        got = call(gaussian_kl, *args)
        expect_tensor(f"KL {where}", got, tuple(expected.shape), dtype,
                      "One divergence for each picture, also where there is only one picture, in "
                      "the dtype of the means.")
        loose = {key: 5 * x for key, x in tolerance.items()}
        expect_close(f"KL {where}, against quadrature", got, expected.detach(),
                     "The mean of log q_1 - log q_2 under q_1, in nats, summed over all pixels of "
                     "a picture. The log-variance is the log of a variance, not of a standard "
                     "deviation; given once for a picture, it stands for every pixel: bring all "
                     "terms to the picture's shape before the sum.", **loose)
        for i, (name, slope) in enumerate(zip(NAMES, gradients)):
            _, found = call(gaussian_kl, *args, wrt=i)
            expect_close(f"the gradient of KL in {name} {where}", found, slope, SLOPE,
                         **{key: 4 * x for key, x in loose.items()})


NAMES = ("mean_1", "log_var_1", "mean_2", "log_var_2")
FAR = [(level, level + ratio) for level in (-155.0, -80.0, 80.0, 155.0) for ratio in (0, 1, -3, 5)]
FAR += [(-160.0, 160.0), (-160.0, 0.0), (0.0, 160.0), (-110.0, 40.0), (60.0, 0.0), (20.0, -20.0),
        (160.0, 90.0), (-90.0, -160.0), (0.0, 12.0), (12.0, 0.0), (0.0, 0.0), (81.0, 0.0),
        (40.0, -44.5), (160.0, 72.5), (-72.5, -160.0)]
HUGE = [(88.3, 0.0), (44.0, -44.0), (87.5, 0.0)]      # nearly all that is a float32 number


def _far_variances(gaussian_kl, rng: torch.Generator, pairs: list, d: int) -> None:
    """All sizes of variances in one batch, near each other and far apart, in float32."""
    order = torch.randperm(len(pairs), generator=rng)
    log_var_1, log_var_2 = torch.tensor(pairs)[order].T[..., None].expand(2, len(pairs), d)
    hint = ("Compute with the difference of the log-variances, and divide by the standard "
            "deviation before you square: exp(160) is inf in float32.")
    log_ratio = (log_var_1 - log_var_2).double()
    for apart in (0.0, 1.0, -2.5):
        std = torch.exp(log_var_2.double() / 2)
        means = (apart * std).float(), 0 * log_var_2
        for sign in (1, -1):
            args = means[::sign][0], log_var_1, means[::sign][1], log_var_2
            leaves = [x.double().requires_grad_() for x in args]
            expected = kl_by_quadrature(*leaves)
            gradients = torch.autograd.grad(expected.sum(), leaves)
            where = (f"for log-variances such as {log_var_1[0, 0]:g} and {log_var_2[0, 0]:g}, and "
                     f"means that are {abs(apart):g} standard deviations of the second apart")
            expect_close(f"KL {where}", call(gaussian_kl, *args), expected.detach(), hint,
                         rtol=1e-4, atol=1e-5)
            for i, (name, slope) in enumerate(zip(NAMES, gradients)):
                _, found = call(gaussian_kl, *args, wrt=i)
                unit = std / (log_ratio / 2).exp().clamp(min=1) if i in (0, 2) else 1
                expect_close(f"the gradient of KL in {name} {where}", found * unit, slope * unit,
                             "A finite value is not enough: the backward pass must not have inf or "
                             f"NaN either. {hint}", rtol=1e-4, atol=1e-5)
