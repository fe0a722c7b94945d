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
# Equal sizes too, where a wrong broadcast raises no error.
SHAPES = ((6,), (3, 3), (5, 2), (4, 3, 4, 4))


def check_schedule(schedule, seed: int = 0) -> None:
    rng = seeded(seed)
    high, low = uniform(rng, 2, low=3, high=9).tolist()
    some = int(torch.randint(20, 60, (), generator=rng))
    for T, first, last in ((7, high, -low), (2, 1.5, -0.5), (100, 9.0, -12.0), (some, 2.0, -3.0)):
        where = f"for T = {T} and a log-SNR from {first:.3g} to {last:.3g}"
        tables = expect_results(call(schedule, T, first, last), "beta, alpha and alpha_bar", 3)
        for name, table in zip(("beta", "alpha", "alpha_bar"), tables):
            expect_tensor(f"{name} {where}", table, (T + 1,), DOUBLE,
                          "Index 0 stands for no noise, then come t = 1 … T.")
        beta, alpha, alpha_bar = tables
        exact = {"rtol": 1e-9, "atol": 1e-12}
        expect_close(f"alpha_bar[0], alpha[0] and beta[0] {where}",
                     torch.stack([alpha_bar[0], alpha[0], beta[0]]), torch.tensor([1.0, 1.0, 0.0]),
                     "Index 0 stands for no noise: all of the picture is kept, no variance is "
                     "added.", **exact)
        log_snr = (alpha_bar[1:] / (1 - alpha_bar[1:])).log()
        expect_close(f"the log-SNR at t = 1 {where}", log_snr[0], first,
                     "SNR is signal over noise, alpha_bar/(1 - alpha_bar); the first value belongs "
                     "to t = 1, not to t = 0. All in float64.", rtol=1e-8, atol=1e-8)
        expect_close(f"the log-SNR {where}", log_snr, torch.linspace(first, last, T, dtype=DOUBLE),
                     "The log of alpha_bar/(1 - alpha_bar) falls by the same amount at each step, "
                     "and ends at t = T.", rtol=1e-8, atol=1e-8)
        expect_close(f"alpha[1] alpha[2] … alpha[t] {where}", alpha.cumprod(0), alpha_bar,
                     "alpha_bar is the product of the alphas so far: which alpha takes alpha_bar "
                     "from t - 1 to t?", **exact)
        expect_close(f"alpha + beta {where}", alpha + beta, torch.ones(T + 1),
                     "Each step keeps the variance: alpha = 1 - beta.", **exact)


def pictures_and_times(rng: torch.Generator, T: int) -> Iterator[tuple[Tensor, ...]]:
    """For each shape and precision: ᾱ, times s < t, and two pictures for each pair of times."""
    for shape in SHAPES:
        for dtype in TOLERANCE:
            alpha_bar, (s, t) = random_alpha_bar(rng, T), random_pairs(rng, T, shape[0])
            yield alpha_bar, s, t, *torch.randn(2, *shape, dtype=dtype, generator=rng)


def check_jump(jump, seed: int = 0) -> None:
    rng, T = seeded(seed), 9
    for inputs in pictures_and_times(rng, T):
        _jumps(jump, *inputs)
    alpha_bar, s, t = random_alpha_bar(rng, T), torch.zeros(T).long(), torch.arange(1, T + 1)
    one = torch.ones(T, dtype=DOUBLE)
    expect_close("the square of what is left of x_0 at t = 1 … T",
                 call(jump, one, s, t, 0 * one, alpha_bar).square(), alpha_bar[1:],
                 "For s = 0 this is x_t given x_0, whose mean is x_0 times the root of alpha_bar.",
                 rtol=1e-10)


def _jumps(jump, alpha_bar: Tensor, s: Tensor, t: Tensor, x_s: Tensor, eps: Tensor) -> None:
    where = f"from s = {s.tolist()} to t = {t.tolist()}, shape {tuple(x_s.shape)},"
    x_t = lambda x_s, eps: call(jump, x_s, s, t, eps, alpha_bar)

    def close(what: str, got, expected: Tensor, hint: str) -> None:
        expect_close(f"x_t {where}{what}", got, expected, hint, dtype=eps.dtype,
                     **TOLERANCE[eps.dtype])

    factor, variance = transition(alpha_bar, s, t)
    mean = per_image(factor, x_s.double()) * x_s.double()
    noise = per_image(variance.sqrt(), eps.double()) * eps.double()
    close(" with eps = 0", x_t(x_s, 0 * eps), mean, "The mean after t - s single steps, each of "
          "which shrinks it. Each picture has its own s and t.")
    close(" with x_s = 0", x_t(0 * x_s, eps), noise, "eps times the standard deviation after t - s "
          "single steps, whose variances are shrunk and added up.")
    close("", x_t(x_s, eps), mean + noise, "Mean and noise are right alone: add the two.")


def check_posterior(posterior, seed: int = 0) -> None:
    rng, T = seeded(seed), 8
    for inputs in pictures_and_times(rng, T):
        _posteriors(posterior, *inputs)
    alpha_bar, s, t = random_alpha_bar(rng, T), torch.zeros(4).long(), torch.tensor([1, 2, 5, T])
    x_0, x_t = torch.randn(2, 4, 3, generator=rng)
    mean, variance = call(posterior, x_0, x_t, s, t, alpha_bar)
    expect_close("the mean for s = 0", mean, x_0, "Given x_0, x_0 is known.", rtol=1e-6)
    expect_close("the variance for s = 0", variance, torch.zeros(4),
                 "Given x_0, x_0 is known: nothing is left to vary.", atol=1e-7)


def _posteriors(posterior, alpha_bar: Tensor, s: Tensor, t: Tensor, x_0: Tensor,
                x_t: Tensor) -> None:
    where = f"for s = {s.tolist()}, t = {t.tolist()}, shape {tuple(x_0.shape)}"
    results = lambda x_0, x_t: expect_results(call(posterior, x_0, x_t, s, t, alpha_bar),
                                              "mean and variance", 2)

    def close(what: str, got, expected: Tensor, hint: str) -> None:
        expect_close(f"the {what} {where}", got, expected, hint, dtype=x_0.dtype,
                     **TOLERANCE[x_0.dtype])

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


def kl_by_quadrature(mean_1: Tensor, log_var_1: Tensor, mean_2: Tensor,
                     log_var_2: Tensor) -> Tensor:
    """KL of two Gaussians, pixel by pixel on a grid, summed over a picture; in nats, (batch,)."""
    grid = torch.linspace(-40, 40, 16_001, dtype=DOUBLE)
    values = []
    for m_1, v_1, m_2, v_2 in zip(*(x.flatten() for x in (mean_1, log_var_1, mean_2, log_var_2))):
        log_p, log_q = (torch.distributions.Normal(m, (v / 2).exp()).log_prob(grid)
                        for m, v in ((m_1, v_1), (m_2, v_2)))
        values.append(torch.trapezoid(log_p.exp() * (log_p - log_q), grid))
    return torch.stack(values).view(mean_1.shape).flatten(1).sum(1)


def check_gaussian_kl(gaussian_kl, seed: int = 0) -> None:
    rng = seeded(seed)
    kl = lambda *args: call(gaussian_kl, *args)
    for shape in ((5, 1), (2, 3), (3, 1, 2, 2)):
        mean_1, log_var_1, mean_2, log_var_2 = torch.randn(4, *shape, dtype=DOUBLE, generator=rng)
        expected = kl_by_quadrature(mean_1, log_var_1, mean_2, log_var_2)
        expect_close(f"KL for shape {shape}, against quadrature",
                     kl(mean_1, log_var_1, mean_2, log_var_2), expected,
                     "The mean of log q_1 - log q_2 under q_1, in nats, summed over all pixels of "
                     "a picture. The log-variance is the log of a variance, not of a standard "
                     "deviation.", rtol=1e-8, atol=1e-9, dtype=DOUBLE)
        single = [x.float() for x in (mean_1, log_var_1, mean_2, log_var_2)]
        expect_close("KL in float32", kl(*single), expected, "As in float64.", rtol=1e-4, atol=1e-5,
                     dtype=torch.float32)
        expect_close("KL of two equal Gaussians", kl(mean_1, log_var_1, mean_1, log_var_1),
                     torch.zeros(shape[0]), "It is 0 there, and positive elsewhere.", atol=1e-12)
        c = 1 + torch.rand(1, dtype=DOUBLE, generator=rng)
        grown = 2 * c.log()
        moved = kl(3 - c * mean_1, log_var_1 + grown, 3 - c * mean_2, log_var_2 + grown)
        expect_close("KL after both pictures were turned to their negative, stretched and shifted",
                     moved, expected, "A divergence does not depend on the unit and the origin of "
                     "a pixel.", rtol=1e-8, atol=1e-9)
        one_1, one_2 = (per_image(x.flatten(1)[:, 0], x) for x in (log_var_1, log_var_2))
        all_1, all_2 = (x.expand(shape).contiguous() for x in (one_1, one_2))
        expect_close(f"KL for shape {shape} with one log-variance for all pixels",
                     kl(mean_1, log_var_1, mean_2, one_2), kl(mean_1, log_var_1, mean_2, all_2),
                     "A log-variance of shape (batch, 1, 1, 1) stands for every pixel: bring all "
                     "terms to the picture's shape before the sum.", rtol=1e-9)
        expect_close("KL with one log-variance for all pixels in both",
                     kl(mean_1, one_1, mean_2, one_2), kl(mean_1, all_1, mean_2, all_2),
                     "The log-variances count once for every pixel, also where they are given once "
                     "for a picture.", rtol=1e-9)
    for level in (-160.0, -80.0, 80.0, 160.0):
        for apart, log_ratio in ((0.0, 0.0), (1.0, 0.0), (2.0, 1.0), (0.5, -3.0)):
            _far_variances(gaussian_kl, level, apart, log_ratio)


def _far_variances(gaussian_kl, level: float, apart: float, log_ratio: float) -> None:
    """KL does not depend on the unit, so a far log-variance changes nothing."""
    zero, std = torch.zeros(1, 2), math.exp(level / 2)
    args = zero + apart * std, zero + level, zero, zero + level + log_ratio
    in_std = (torch.full((1, 2), x, dtype=DOUBLE) for x in (apart, 0.0, 0.0, log_ratio))
    where = (f"for log-variances near {level:g} and means that are {apart:g} standard deviations "
             "apart")
    hint = ("Compute with the difference of the log-variances, and divide by the standard "
            "deviation before you square: exp(160) is inf in float32.")
    value, gradient = call(gaussian_kl, *args, wrt=1)
    expect_close(f"KL {where}", value, kl_by_quadrature(*in_std), hint, rtol=1e-4, atol=1e-5)
    expect_close(f"the gradient of KL in log_var_1 {where}", gradient,
                 torch.full((1, 2), (math.exp(-log_ratio) - 1) / 2), "A finite value is not "
                 f"enough: the backward pass must not have inf or NaN either. {hint}",
                 rtol=1e-4, atol=1e-5)
