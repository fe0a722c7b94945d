"""The facts of exercise 6: a diffusion with jumps over many steps, a network that predicts v, and a sampler that leaves out times.

Each check takes an answer and the seed of its random inputs. It knows one step of the forward chain only: marginals come
from composing steps, posteriors from the joint covariance of the chain, v from the slope of a path, divergences from
quadrature, a sampler from its own chain. The rest are symmetries and limits.
"""
import math

import torch
from torch import Tensor

from course_lib.checks import Net, call, expect_close, expect_results, expect_state
from course_lib.proofs import check_proof as check_lines
from course_lib.proofs.vlb import VLB_FROM_LIKELIHOOD

DOUBLE = torch.float64
DTYPES = ((torch.float32, {"rtol": 2e-5, "atol": 5e-6}), (DOUBLE, {"rtol": 1e-9, "atol": 1e-10}))
SHAPES = ((6,), (3, 3), (5, 2), (4, 3, 4, 4))               # equal sizes too, where a wrong broadcast raises no error


def warm() -> None:
    """Enumerates the chains of the proof before grading starts, once for all submissions."""
    _ = VLB_FROM_LIKELIHOOD.references


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_alpha_bar(rng: torch.Generator, T: int) -> Tensor:
    """ᾱ_0 … ᾱ_T of T steps that each keep between 60 and 95 percent, float64; it follows no rule."""
    kept = torch.empty(T, dtype=DOUBLE).uniform_(0.6, 0.95, generator=rng)
    return torch.cat([torch.ones(1, dtype=DOUBLE), kept]).cumprod(0)


def random_times(rng: torch.Generator, T: int, n: int) -> tuple[Tensor, Tensor]:
    """n pairs s < t of 0 … T; the first goes from 0, the second over a single step."""
    s, t = torch.rand(n, T + 1, generator=rng).argsort(1)[:, :2].sort(1).values.T
    s[0], t[0] = 0, t[0].clamp(min=2)
    if n > 1:
        s[1] = t[1] - 1
    return s.contiguous(), t.contiguous()


def spread(values: Tensor, x: Tensor) -> Tensor:
    """One value for each image, in float64, over all its pixels."""
    return values.double().view(-1, *[1] * (x.ndim - 1))


def joint(alpha_bar: Tensor, t: int) -> tuple[Tensor, Tensor]:
    """x_0 … x_t given x_0, from t single steps: the factors of x_0, (t + 1,), and the covariance, (t + 1, t + 1)."""
    by_x_0, by_noise = torch.zeros(t + 1, dtype=DOUBLE), torch.zeros(t + 1, t + 1, dtype=DOUBLE)
    by_x_0[0] = 1
    for k in range(1, t + 1):
        kept = alpha_bar[k] / alpha_bar[k - 1]
        by_x_0[k], by_noise[k] = kept.sqrt() * by_x_0[k - 1], kept.sqrt() * by_noise[k - 1]
        by_noise[k, k] = (1 - kept).sqrt()
    return by_x_0, by_noise @ by_noise.T


def steps(alpha_bar: Tensor, s: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """For each pair, the factor of x_s in the mean of x_t, and x_t's variance, from t − s single steps."""
    found = []
    for first, last in zip(s.tolist(), t.tolist()):
        factor, covariance = joint(alpha_bar[first:] / alpha_bar[first], last - first)
        found.append((factor[-1], covariance[-1, -1]))
    return tuple(torch.stack(values) for values in zip(*found))


def bayes(alpha_bar: Tensor, s: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each pair, the mean of x_s given x_0 and x_t as factors of x_0 and x_t, and its variance: the joint Gaussian, conditioned."""
    found = []
    for first, last in zip(s.tolist(), t.tolist()):
        factor, covariance = joint(alpha_bar, last)
        gain = torch.linalg.solve(covariance[last:, last:], covariance[last:, first:first + 1]).squeeze()
        found.append((factor[first] - gain * factor[last], gain, covariance[first, first] - gain * covariance[last, first]))
    return tuple(torch.stack(values) for values in zip(*found))


def velocity(alpha_bar: Tensor, t: Tensor, x_0: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """x_t and v of each image: the point on its quarter circle from x_0 to ε, and the slope of the path there."""
    x_0, eps, h = x_0.double(), eps.double(), 1e-5
    angle = spread(torch.acos(alpha_bar[t].sqrt()), x_0)
    path = lambda phi: phi.cos() * x_0 + phi.sin() * eps
    return path(angle), (8 * (path(angle + h) - path(angle - h)) - path(angle + 2 * h) + path(angle - 2 * h)) / (12 * h)


def check_schedule(schedule, seed: int = 0) -> None:
    rng = seeded(seed)
    names = "beta", "alpha", "alpha_bar"
    ends = torch.empty(2, dtype=DOUBLE).uniform_(3, 9, generator=rng).tolist()
    some = int(torch.randint(20, 60, (), generator=rng))
    for T, first, last in ((7, ends[0], -ends[1]), (2, 1.5, -0.5), (100, 9.0, -12.0), (some, 2.0, -3.0)):
        where = f"for T = {T} and a log-SNR from {first:.3g} to {last:.3g}"
        tables = expect_results(call(schedule, T, first, last), "beta, alpha and alpha_bar", 3)
        for name, table in zip(names, tables):
            assert isinstance(table, Tensor) and tuple(table.shape) == (T + 1,), (
                f"{name} {where}: expected a tensor of shape ({T + 1},), index 0 for no noise and t = 1 … T, got "
                f"{tuple(table.shape) if isinstance(table, Tensor) else type(table).__name__}.")
            assert table.dtype == DOUBLE, f"{name} {where}: expected torch.float64, got {table.dtype}."
        beta, alpha, alpha_bar = tables
        exact = {"rtol": 1e-9, "atol": 1e-12}
        expect_close(f"alpha_bar[0], alpha[0] and beta[0] {where}", torch.stack([alpha_bar[0], alpha[0], beta[0]]),
                     torch.tensor([1.0, 1.0, 0.0]), "Index 0 stands for no noise: all of the picture is kept, no variance is added.", **exact)
        signal, noise = alpha_bar[1:], 1 - alpha_bar[1:]
        expect_close(f"the log-SNR at t = 1 {where}", (signal[0] / noise[0]).log(), first,
                     "SNR is signal over noise, alpha_bar/(1 - alpha_bar); the first value belongs to t = 1, not to t = 0. All in float64.",
                     rtol=1e-8, atol=1e-8)
        expect_close(f"the log-SNR {where}", (signal / noise).log(), torch.linspace(first, last, T, dtype=DOUBLE),
                     "The log of alpha_bar/(1 - alpha_bar) falls by the same amount at each step, and ends at t = T.", rtol=1e-8, atol=1e-8)
        expect_close(f"alpha[1] alpha[2] … alpha[t] {where}", alpha.cumprod(0), alpha_bar,
                     "alpha_bar is the product of the alphas so far: which alpha takes alpha_bar from t - 1 to t?", **exact)
        expect_close(f"alpha + beta {where}", alpha + beta, torch.ones(T + 1), "Each step keeps the variance: alpha = 1 - beta.", **exact)


def check_jump(jump, seed: int = 0) -> None:
    rng, T = seeded(seed), 9
    for shape in SHAPES:
        for dtype, tolerance in DTYPES:
            alpha_bar, (s, t) = random_alpha_bar(rng, T), random_times(rng, T, shape[0])
            x_s, eps = torch.randn(2, *shape, dtype=dtype, generator=rng)
            factor, variance = (spread(values, x_s) for values in steps(alpha_bar, s, t))
            run = lambda x, noise, s=s, t=t, alpha_bar=alpha_bar: call(jump, x, s, t, noise, alpha_bar)
            where = f"from s = {s.tolist()} to t = {t.tolist()}, shape {shape},"
            expect_close(f"x_t {where} with eps = 0", run(x_s, 0 * eps), factor * x_s.double(),
                         "The mean after t - s single steps, each of which shrinks it. Each picture has its own s and t.",
                         dtype=dtype, **tolerance)
            expect_close(f"x_t {where} with x_s = 0", run(0 * x_s, eps), variance.sqrt() * eps.double(),
                         "eps times the standard deviation after t - s single steps, whose variances are shrunk and added up.",
                         dtype=dtype, **tolerance)
            expect_close(f"x_t {where}", run(x_s, eps), factor * x_s.double() + variance.sqrt() * eps.double(),
                         "Mean and noise are right alone: add the two.", dtype=dtype, **tolerance)
    alpha_bar, s, t = random_alpha_bar(rng, T), torch.zeros(T, dtype=torch.int64), torch.arange(1, T + 1)
    one = torch.ones(T, dtype=DOUBLE)
    expect_close("the square of what is left of x_0 at t = 1 … T", call(jump, one, s, t, 0 * one, alpha_bar).square(), alpha_bar[1:],
                 "For s = 0 this is x_t given x_0, whose mean is x_0 times the root of alpha_bar.", rtol=1e-10)


def check_posterior(posterior, seed: int = 0) -> None:
    rng, T = seeded(seed), 8
    for shape in SHAPES:
        for dtype, tolerance in DTYPES:
            alpha_bar, (s, t) = random_alpha_bar(rng, T), random_times(rng, T, shape[0])
            x_0, x_t = torch.randn(2, *shape, dtype=dtype, generator=rng)
            on_x_0, on_x_t, variance = bayes(alpha_bar, s, t)
            run = lambda a, b, s=s, t=t, alpha_bar=alpha_bar: call(posterior, a, b, s, t, alpha_bar)
            results = lambda a, b, run=run: expect_results(run(a, b), "mean and variance", 2)
            where = f"for s = {s.tolist()}, t = {t.tolist()}, shape {shape}"
            mean = results(x_0, x_t)[0]
            expect_close(f"the mean {where}", mean, spread(on_x_0, x_0) * x_0.double() + spread(on_x_t, x_t) * x_t.double(),
                         "It is what conditioning the joint Gaussian of x_s and x_t gives, both given x_0: on paper, multiply "
                         "q(x_s given x_0) and q(x_t given x_s) and complete the square in x_s.", dtype=dtype, **tolerance)
            for name, got, expected in (("x_0", results(x_0, 0 * x_t)[0], on_x_0), ("x_t", results(0 * x_0, x_t)[0], on_x_t)):
                x = x_0 if name == "x_0" else x_t
                expect_close(f"the part of {name} in the mean {where}", got, spread(expected, x) * x.double(),
                             "The mean is a weighted sum of x_0 and x_t.", dtype=dtype, **tolerance)
            expect_close(f"the variance {where}", results(x_0, x_t)[1], variance,
                         "One variance for each picture: 1 over the sum of the precisions that x_0 and x_t contribute. "
                         "Is it a standard deviation?", dtype=dtype, **tolerance)
    alpha_bar, n = random_alpha_bar(rng, T), 4
    x_0, x_t = torch.randn(2, n, 3, generator=rng)
    mean, variance = call(posterior, x_0, x_t, torch.zeros(n, dtype=torch.int64), torch.tensor([1, 2, 5, T]), alpha_bar)
    expect_close("the mean for s = 0", mean, x_0, "Given x_0, x_0 is known.", rtol=1e-6)
    expect_close("the variance for s = 0", variance, torch.zeros(n), "Given x_0, x_0 is known: nothing is left to vary.", atol=1e-7)


def check_gaussian_kl(gaussian_kl, seed: int = 0) -> None:
    rng = seeded(seed)
    grid = torch.linspace(-40, 40, 16_001, dtype=DOUBLE)
    density = lambda mean, log_var: torch.distributions.Normal(mean, (log_var / 2).exp()).log_prob(grid)

    def by_quadrature(*parameters: Tensor) -> Tensor:
        values = []
        for one in zip(*(x.reshape(-1) for x in parameters)):
            log_p, log_q = density(*one[:2]), density(*one[2:])
            values.append(torch.trapezoid(log_p.exp() * (log_p - log_q), grid))
        return torch.stack(values).view(parameters[0].shape).flatten(1).sum(1)

    for shape in ((5, 1), (2, 3), (3, 1, 2, 2)):
        mean_1, log_var_1, mean_2, log_var_2 = torch.randn(4, *shape, dtype=DOUBLE, generator=rng)
        expected = by_quadrature(mean_1, log_var_1, mean_2, log_var_2)
        run = lambda *args: call(gaussian_kl, *args)
        expect_close(f"KL for shape {shape}, against quadrature", run(mean_1, log_var_1, mean_2, log_var_2), expected,
                     "The mean of log q_1 - log q_2 under q_1, in nats, summed over all pixels of a picture. The log-variance is "
                     "the log of a variance, not of a standard deviation.", rtol=1e-8, atol=1e-9, dtype=DOUBLE)
        single = [x.float() for x in (mean_1, log_var_1, mean_2, log_var_2)]
        expect_close("KL in float32", run(*single), expected, "As in float64.", rtol=1e-4, atol=1e-5, dtype=torch.float32)
        expect_close("KL of two equal Gaussians", run(mean_1, log_var_1, mean_1, log_var_1), torch.zeros(shape[0]),
                     "It is 0 there, and positive elsewhere.", atol=1e-12)
        c = 1 + torch.rand(1, dtype=DOUBLE, generator=rng)
        moved = 3 - c * mean_1, log_var_1 + 2 * c.log(), 3 - c * mean_2, log_var_2 + 2 * c.log()
        expect_close("KL after both pictures were turned to their negative, stretched and shifted", run(*moved), expected,
                     "A divergence does not depend on the unit and the origin of a pixel.", rtol=1e-8, atol=1e-9)
        other, one = (x.flatten(1)[:, :1].view(-1, *[1] * (len(shape) - 1)) for x in (log_var_1, log_var_2))
        expect_close(f"KL for shape {shape} with one log-variance for all pixels", run(mean_1, log_var_1, mean_2, one),
                     run(mean_1, log_var_1, mean_2, one.expand(shape).contiguous()), "A log-variance of shape (batch, 1, 1, 1) stands for "
                     "every pixel: bring all terms to the picture's shape before the sum.", rtol=1e-9)
        expect_close("KL with one log-variance for all pixels in both", run(mean_1, other, mean_2, one),
                     run(mean_1, other.expand(shape).contiguous(), mean_2, one.expand(shape).contiguous()),
                     "The log-variances count once for every pixel, also where they are given once for a picture.", rtol=1e-9)
    zero = torch.zeros(1, 2)
    hint = ("Compute with the difference of the log-variances, and divide by the standard deviation before you square: exp(160) is "
            "inf in float32.")
    for level in (-160.0, -80.0, 80.0, 160.0):
        same = zero + level
        unit = math.exp(level / 2)                              # one standard deviation
        for apart, log_ratio in ((0.0, 0.0), (1.0, 0.0), (2.0, 1.0), (0.5, -3.0)):
            args = zero + apart * unit, same, zero, same + log_ratio
            expected = by_quadrature(*(torch.full((1, 2), x, dtype=DOUBLE) for x in (apart, 0.0, 0.0, log_ratio)))
            where = f"for log-variances near {level:g} and means that are {apart:g} standard deviations apart"
            value, slope = call(gaussian_kl, *args, wrt=1)
            expect_close(f"KL {where}", value, expected, hint, rtol=1e-4, atol=1e-5)
            expect_close(f"the gradient of KL in log_var_1 {where}", slope, torch.full((1, 2), (math.exp(-log_ratio) - 1) / 2),
                         f"A finite value is not enough: the backward pass must not have inf or NaN either. {hint}", rtol=1e-4, atol=1e-5)


def check_v_loss(v_loss, seed: int = 0) -> None:
    rng, T = seeded(seed), 12
    for n, d in ((5, 2), (3, 3), (1, 4)):
        alpha_bar = random_alpha_bar(rng, T)
        net = Net.draw("TimeMLP", (d, 6), rng, scale=0.4)
        x_0, eps = torch.randn(2, n, d, generator=rng)
        t = torch.randint(1, T + 1, (n,), generator=rng)
        x_t, v = velocity(alpha_bar, t, x_0, eps)
        module = net.double().build()
        expected = (module(x_t, t) - v).norm(dim=1).pow(2).sum() / n
        names, weights = zip(*module.named_parameters())
        slopes = dict(zip(names, torch.autograd.grad(expected, weights)))
        where = f"for {n} points of {d} numbers at t = {t.tolist()}"
        silent = net._replace(state={key: 0 * tensor for key, tensor in net.state.items()})
        run = lambda network, *args: expect_results(call(v_loss, network, *args), "the loss and its gradients", 2)
        expect_close(f"the loss of a network that says 0 {where}", run(silent, x_0, t, eps, alpha_bar)[0], v.square().sum() / n,
                     "What is left is the squared length of v, summed over the numbers of a point and averaged over the batch. v is the "
                     "slope of the path from x_0 to eps in its angle.", rtol=2e-5)
        loss, gradients = run(net, x_0, t, eps, alpha_bar)
        expect_close(f"the loss {where}", loss, expected, "For a network that says 0 it is right. Is this one asked at x_t and t, and is "
                     "what it says subtracted from v?", rtol=2e-5)
        for i in range(n if n > 1 else 0):
            one = run(net, x_0[i:i + 1], t[i:i + 1], eps[i:i + 1], alpha_bar)[0]
            alone = (module(x_t[i:i + 1], t[i:i + 1]) - v[i:i + 1]).norm(dim=1).pow(2).sum()
            expect_close(f"the loss of point {i} alone", one, alone, "Each point has its own t.", rtol=2e-5)
        expect_state(f"the gradients {where}", gradients, net._replace(state=slopes), "They are those of the loss itself: does it reach the "
                     "network, without detach, no_grad or item on the way?", rtol=1e-3, atol=2e-5)


def check_ancestral_step(ancestral_step, seed: int = 0) -> None:
    rng, T = seeded(seed), 8
    for shape in SHAPES:
        for dtype, tolerance in DTYPES:
            alpha_bar, n = random_alpha_bar(rng, T), shape[0]
            t = torch.randint(2, T + 1, (n,), generator=rng)
            t[0] = 2                                            # where beta and beta-tilde differ most
            share = torch.empty(()).uniform_(0.1, 0.9, generator=rng).item()
            x_0, eps, z = torch.randn(3, *shape, dtype=dtype, generator=rng)
            x_t, v = velocity(alpha_bar, t, x_0, eps)
            x_t, v = x_t.to(dtype), v.to(dtype)
            on_x_0, on_x_t, least = bayes(alpha_bar, t - 1, t)
            most = steps(alpha_bar, t - 1, t)[1]
            mean = spread(on_x_0, x_t) * x_0.double() + spread(on_x_t, x_t) * x_t.double()
            run = lambda z, share, x_t=x_t, v=v, t=t, alpha_bar=alpha_bar: call(ancestral_step, x_t, v, t, z, alpha_bar, share)
            where = f"at t = {t.tolist()}, shape {shape},"
            expect_close(f"the step {where} with z = 0", run(0 * z, share), mean, "v and x_t together determine the predicted x_0 (turn both "
                         "back by the angle); the mean is that of q(x_{t-1} given x_t and this x_0).", dtype=dtype, **tolerance)
            # Between the two ends the log of the variance is interpolated: a weighted geometric mean of the variances.
            for weight, variance in ((share, (share * most.log() + (1 - share) * least.log()).exp()), (1.0, most), (0.0, least)):
                expect_close(f"the noise {where} share = {weight:.3f}", run(z, weight).double() - run(0 * z, weight).double(),
                             spread(variance, z).sqrt() * z.double(), "z times the standard deviation. For share = 1 its square is beta_t, "
                             "for share = 0 beta-tilde_t; between them the logs are interpolated.", rtol=tolerance["rtol"],
                             atol=4 * tolerance["atol"])
    for dtype, tolerance in DTYPES:
        alpha_bar, t = random_alpha_bar(rng, T), torch.tensor([1, 3, 1, T])
        x_0, eps, z = torch.randn(3, 4, 3, 2, 2, dtype=dtype, generator=rng)
        x_t, v = velocity(alpha_bar, t, x_0, eps)
        for share in (0.0, 0.3, 1.0):
            got = call(ancestral_step, x_t.to(dtype), v.to(dtype), t, z, alpha_bar, share)
            assert isinstance(got, Tensor) and got.shape == z.shape, f"expected one picture for each x_t, shape {tuple(z.shape)}."
            expect_close(f"the step from t = 1 with share = {share:g}, in a batch with other times", got[[0, 2]], x_0[[0, 2]],
                         "The last step adds no noise: it ends at the predicted x_0. There, beta-tilde is 0 and has no logarithm, "
                         "and 0 times -inf is NaN.", dtype=dtype, **tolerance)
            assert got.isfinite().all(), f"the other pictures of a batch with t = 1 must be finite (share = {share:g})."


def respaced(alpha_bar: Tensor, times: list[int]) -> Tensor:
    """ᾱ of the chain that stays at these times only, index 0 first."""
    return alpha_bar[torch.tensor([0, *times])]


def chain(eps_model, x_T: Tensor, z: Tensor, times: list[int], alpha_bar: Tensor) -> Tensor:
    """The sampler's own chain in float64: each step is the posterior mean at the x_0 that the model's noise implies, and the step's noise."""
    short, x = respaced(alpha_bar, times), x_T.double()
    for i in range(len(times), 0, -1):
        at, here = torch.tensor([i]), torch.full((len(x),), times[i - 1])
        factor, variance = steps(short, 0 * at, at)
        x_0 = (x - variance.sqrt() * eps_model(x, here).double()) / factor
        on_x_0, on_x_t, _ = bayes(short, at - 1, at)
        x = on_x_0 * x_0 + on_x_t * x
        if i > 1:
            x = x + steps(short, at - 1, at)[1].sqrt() * z[times[i - 1]].double()
    return x


def exact_eps(alpha_bar: Tensor, mean: float, variance: float):
    """The noise that x_t holds on average where the data are N(mean, variance): their joint Gaussian, conditioned."""
    t = torch.arange(len(alpha_bar))
    factor, noise = steps(alpha_bar, 0 * t, t)
    gain = noise.sqrt() / (factor.square() * variance + noise)

    def eps_model(x, t):
        at = torch.as_tensor(t).reshape(-1).long().clamp(0, len(alpha_bar) - 1)
        return (spread(gain[at], x) * (x.double() - spread(factor[at], x) * mean)).to(x.dtype)
    return eps_model


def check_sample(sample, seed: int = 0) -> None:
    rng = seeded(seed)
    for shape, T, times, (dtype, tolerance) in (((3, 2), 6, [1, 2, 3, 4, 5, 6], DTYPES[1]), ((4, 1, 3, 3), 9, [2, 3, 7, 9], DTYPES[0]),
                                                ((2,), 7, [1, 4, 5], DTYPES[1]), ((3, 3), 5, [5], DTYPES[0])):
        alpha_bar = random_alpha_bar(rng, T)
        x_T, z = torch.randn(shape, dtype=dtype, generator=rng), torch.randn(T + 1, *shape, dtype=dtype, generator=rng)
        mean, variance = torch.empty(2, dtype=DOUBLE).uniform_(0.1, 2, generator=rng).tolist()
        eps_model, asked = exact_eps(alpha_bar, mean, variance), []

        def model(x, t, eps_model=eps_model, asked=asked):
            asked.append((x, t))
            return eps_model(x, t)

        run = lambda x, noise, model=eps_model, times=times, alpha_bar=alpha_bar: call(sample, model, x, noise, times, alpha_bar)
        where = f"for the times {times} of {T}"
        got = run(x_T, z, model)
        for x, t in asked:
            assert isinstance(t, Tensor) and t.dtype == torch.int64 and tuple(t.shape) == shape[:1], (
                f"eps_model {where}: expected t as an int64 tensor of shape ({shape[0]},), one for each picture, got "
                f"{f'{t.dtype}, shape {tuple(t.shape)}' if isinstance(t, Tensor) else type(t).__name__}.")
            assert isinstance(x, Tensor) and x.shape == x_T.shape, f"eps_model {where}: expected x of shape {shape}."
        told = [[*dict.fromkeys(t.tolist())] for _, t in asked]
        assert told == [[t] for t in reversed(times)], (
            f"eps_model {where}: expected to be asked once at each of these times, from the last to the first, got {told}. "
            "It is told the times that it was trained with.")
        quiet = chain(eps_model, x_T, 0 * z, times, alpha_bar)
        expect_close(f"the picture {where} with z = 0, for the exact eps of N({mean:.2f}, {variance:.2f})", run(x_T, 0 * z), quiet,
                     "This is what the means alone do. The chain that stays at these times only has an alpha_bar of its own, "
                     "and so an alpha of its own: alpha and alpha_bar are two tables.", dtype=dtype, **tolerance)
        basis = torch.zeros_like(z)
        for t in range(T + 1):
            basis[t] = 1
            reach = chain(eps_model, x_T, basis, times, alpha_bar) - quiet
            expect_close(f"what noise of 1 at t = {t} adds to the picture {where}", run(x_T, basis).double() - quiet, reach,
                         "z[t] is the noise of the step that leaves t, times that step's own standard deviation. The last step, to "
                         "t = 0, adds none; nor do times that are left out.", rtol=1e-4, atol=5 * tolerance["atol"])
            basis[t] = 0
        expect_close(f"the picture {where}", got, chain(eps_model, x_T, z, times, alpha_bar), "Mean and noise are right alone: is the "
                     "noise of each step added before the next step begins?", dtype=dtype, **tolerance)
        bent = lambda x, t, T=T: torch.tanh(2 * x) * (torch.as_tensor(t).double().mean() / T).to(x.dtype)
        expect_close(f"the picture {where} for another eps_model", run(x_T, z, bent), chain(bent, x_T, z, times, alpha_bar),
                     "Ask eps_model at each step's own x_t, and use what it says as it is, without clipping.", dtype=dtype,
                     rtol=10 * tolerance["rtol"], atol=10 * tolerance["atol"])


def check_proof(lines, seed: int = 0) -> None:
    check_lines(lines, VLB_FROM_LIKELIHOOD)
