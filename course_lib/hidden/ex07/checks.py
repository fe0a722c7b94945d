"""The facts of exercise 7: DDIM on a sub-sequence with v-prediction, its inverse, and guidance with and without a classifier.

Each check takes an answer and the seed of its random inputs. What the exercise asks for is held against what it is for:
marginals, Gaussian conditioning, slopes by differences and integrals on a grid; the rest are symmetries and limits.
Schedules cross as ᾱ, float64 (T + 1,), with ᾱ_0 = 1. It is DDPM's ᾱ; the DDIM paper calls it α.
"""
import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.checks import Net, call, expect_close, expect_results
from course_lib.diffusion import gaussian_chain, schedule

DTYPES = ((torch.float32, 5e-6), (torch.float64, 1e-9))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def uniform(rng: torch.Generator, *shape: int, low: float = 0.1, high: float = 0.9) -> Tensor:
    return torch.empty(shape, dtype=torch.float64).uniform_(low, high, generator=rng)


def times(rng: torch.Generator, T: int, n: int) -> Tensor:
    """n different times of 1 … T in increasing order, the last of them T."""
    return torch.cat([torch.randperm(T - 1, generator=rng)[:n - 1].sort().values + 1, torch.tensor([T])])


def wide(values: Tensor, like: Tensor) -> Tensor:
    """One number for each image, shaped to be multiplied with the images."""
    return values.reshape(-1, *[1] * (like.ndim - 1)).to(like.dtype)


def expect_refusal(what: str, answer: Callable, *args) -> None:
    try:
        got = call(answer, *args)
    except ValueError:
        return
    raise AssertionError(f"{what}: expected a ValueError, got {got}. raise ValueError(..) where it cannot be done.")


class Asked:
    """A network as a callback, which remembers what it was asked."""

    def __init__(self, function: Callable):
        self.function, self.calls = function, []

    def __call__(self, *args):
        self.calls.append(args)
        return self.function(*args)

    def expect_whole(self, i: int, what: str) -> None:
        """Argument i was always int64, one number an image."""
        for args in self.calls:
            assert len(args) > i, f"{what} was not passed on: the network got {len(args)} arguments."
            got = args[i]
            assert isinstance(got, Tensor) and got.dtype == torch.int64 and got.shape == args[0].shape[:1], (
                f"{what}: expected int64 of shape {tuple(args[0].shape[:1])}, one number an image, got "
                f"{f'{got.dtype} of shape {tuple(got.shape)}' if isinstance(got, Tensor) else type(got).__name__}.")


def check_sub_sequence(sub_sequence, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda low, high: int(torch.randint(low, high + 1, (), generator=rng))
    cases = [(1000, 10, 2), (1000, 100, 2), (1000, 25, 3), (20, 20, 3), (7, 1, 2), (10, 9, 4), (1000, 30, 1), (1, 1, 2)]
    cases += [(T, draw(2, T), draw(1, 4)) for T in (draw(5, 60), draw(100, 1000), 4000)]
    for T, S, power in cases:
        what = f"T = {T}, S = {S}, power = {power}"
        tau = call(sub_sequence, T, S, power)
        assert isinstance(tau, Tensor) and tau.dtype == torch.int64 and tau.shape == (S,), (
            f"{what}: expected an int64 tensor of shape ({S},), got "
            f"{f'{tau.dtype} of shape {tuple(tau.shape)}' if isinstance(tau, Tensor) else type(tau).__name__}.")
        tau = tau.tolist()
        assert tau[-1] == T, f"{what}: expected the last time to be T, got {tau[-1]}. Where is i/S = 1?"
        assert tau[0] >= 1, f"{what}: expected times of 1 … T, got {tau[0]} first. At time 0 there is nothing to denoise."
        for before, after in zip(tau, tau[1:]):
            assert before < after, f"{what}: expected times that increase, got {after} after {before}. No time comes twice."
        for i, t in enumerate(tau, 1):
            below, above = t * S ** power <= T * i ** power, T * i ** power < (t + 1) * S ** power
            assert above, f"{what}: τ_{i} = {t} is too small. Where floating point rounds, a floor may lose 1: is there a whole-number way?"
            assert below or t == i, f"{what}: τ_{i} = {t} is more than T (i/S)^{power} allows, and not {i} either. Round down."
        if power == 1:
            expect_close(f"{what}, which is evenly spaced", torch.tensor(tau), schedule.linear(T).respace(S).times[1:],
                         "With power 1 all gaps are equal, up to rounding down.", rtol=0, atol=0)
    for T, S in ((10, 0), (10, 11), (10, -1)):
        expect_refusal(f"T = {T}, S = {S}", sub_sequence, T, S, 2)


def conditional_variance(alpha_bar: Tensor, s: Tensor, t: Tensor) -> Tensor:
    """Var(x_s | x_t, x_0) of the forward chain, from the joint covariance of x_s and x_t given x_0; s ≥ 1."""
    between = (alpha_bar[t] / alpha_bar[s]).sqrt() * (1 - alpha_bar[s])
    joint = torch.stack([1 - alpha_bar[s], between, between, 1 - alpha_bar[t]], -1).reshape(-1, 2, 2)
    return 1 / torch.linalg.inv(joint)[:, 0, 0]


def check_sigmas(sigmas, seed: int = 0) -> None:
    rng = seeded(seed)
    results = lambda *args: expect_results(call(sigmas, *args), "σ and the largest η", 2)
    for noise, S in ((schedule.linear(1000), 12), (schedule.cosine(200), 20), (schedule.linear(10, 0.01, 0.4), 10), (schedule.linear(50), 1)):
        alpha_bar, T = noise.alpha_bar, noise.T
        tau, ones = times(rng, T, S), torch.ones(S, dtype=torch.float64)
        before = torch.cat([torch.zeros(1, dtype=torch.int64), tau[:-1]])
        every = torch.arange(1, T + 1)
        sigma = results(alpha_bar, every, torch.ones(T, dtype=torch.float64))[0]
        expect_close(f"σ² at the times 1 … T = {T} with η = 1", sigma.square(), noise.posterior_variance[1:],
                     "There DDIM is DDPM: β̃_t. What DDIM's paper calls α is ᾱ.", rtol=1e-7, atol=1e-12, dtype=torch.float64)
        sigma, largest = results(alpha_bar, tau, ones)
        what = f"for {S} of T = {T} times"
        expect_close(f"σ of the last step, to the image, {what}", sigma[0], 0.0,
                     "Before τ_1 comes time 0, where ᾱ is 1: no noise belongs in an image.", atol=1e-9)
        expect_close(f"σ² {what} with η = 1", sigma[1:].square(), conditional_variance(alpha_bar, before[1:], tau[1:]),
                     "It is the variance of x_s given x_t and x_0, where s is the time before t in the sub-sequence.",
                     rtol=1e-7, atol=1e-12)
        eta = uniform(rng, S)
        got = results(alpha_bar, tau, eta)
        expect_close(f"σ {what} with another η at each step", got[0], eta * sigma, "σ is proportional to η; η_i belongs to "
                     "the step from τ_i.", rtol=1e-7, atol=1e-12, dtype=torch.float64)
        expect_close(f"the largest η of the last step, {what}", largest[0], 1.0, "σ is 0 there for each η, so take the limit for "
                     "ᾱ_s → 1: what cancels, before you put in numbers?", rtol=1e-7)
        expect_close(f"the largest η {what} when σ is asked for other η", got[1], largest,
                     "It depends on the schedule and the sub-sequence only.", rtol=1e-7)
        expect_close(f"σ² at the largest η {what}", results(alpha_bar, tau, largest)[0].square(), 1 - alpha_bar[before],
                     "There nothing is left of the direction: 1 − ᾱ_s − σ² = 0.", rtol=1e-7, atol=1e-12)
        expect_close(f"σ {what} with η = 0", results(alpha_bar, tau, 0 * ones)[0], 0 * ones, "DDIM's own chain adds no noise.", atol=0)


def noised(alpha_bar: Tensor, t: Tensor, x_0: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """x_t and v_t of an image and a noise: a rotation of both."""
    cos, sin = (wide(part[t], x_0) for part in (alpha_bar.sqrt(), (1 - alpha_bar).sqrt()))
    return cos * x_0 + sin * eps, cos * eps - sin * x_0


def check_ddim_step(ddim_step, seed: int = 0) -> None:
    rng = seeded(seed)
    noise = schedule.linear(100, 1e-3, 0.1)
    last = noise.alpha_bar.clone()
    last[-1] = 0                                                # x_T is noise and nothing else
    s = torch.tensor([0, 10, 25, 40, 69, 98])
    for dtype, atol in DTYPES:
        x_0, eps, z = torch.randn(3, 6, 2, 3, dtype=dtype, generator=rng)
        t = torch.randint(2, 100, (6,), generator=rng)
        x_t, v = noised(noise.alpha_bar, t, x_0, eps)
        expect_close("x_s for s = t − 1, σ² = β̃_t and z = 0",
                     call(ddim_step, v, x_t, noise.alpha_bar, t, t - 1, noise.posterior_variance[t].sqrt(), 0 * z),
                     gaussian_chain.posterior_mean(noise, x_0, x_t, t), "With η = 1 and neighbouring times this is a step of DDPM: the "
                     "mean of q(x_{t−1} | x_t, x_0). What does v say about x_0, and what about ε?", atol=atol, rtol=1e-4, dtype=dtype)
        for share in (0.0, 0.6, 1.0) if dtype == torch.float64 else (0.0, 0.6):
            _jumps(ddim_step, noise.alpha_bar, s + torch.tensor([30, 1, 60, 20, 7, 2]), s, share, (x_0, eps, z), atol, "")
            _jumps(ddim_step, last, torch.full((6,), 100), s, share, (x_0, eps, z), atol, " where ᾱ_t = 0")


def _jumps(ddim_step, alpha_bar: Tensor, t: Tensor, s: Tensor, share: float, parts: tuple, atol: float, where: str) -> None:
    """The step is linear, so three parts tell all: what x_0 gives, what ε gives, what z gives."""
    x_0, eps, z = parts
    sigma, left = share * (1 - alpha_bar[s]).sqrt(), wide(1 - alpha_bar[s], x_0.double()).expand(x_0.shape)
    step = lambda x_0, eps, z: call(ddim_step, *noised(alpha_bar, t, x_0, eps)[::-1], alpha_bar, t, s, sigma, z)
    what = f"x_s, each image with its own jump from t to s{where}, σ = {share:g} √(1 − ᾱ_s)"
    mean = wide(alpha_bar[s].sqrt(), x_0) * x_0
    expect_close(f"{what}, of an image without noise", step(x_0, 0 * eps, 0 * z), mean,
                 "A root of what should be 0, and is −1e-17, is NaN." if share == 1 else
                 "x_s has the mean of q(x_s | x_0). Nothing has to be divided by √ᾱ_t.", atol=atol, dtype=x_0.dtype)
    fresh = step(0 * x_0, 0 * eps, z)
    expect_close(f"{what}, where x_0 and ε are 0", fresh, wide(sigma, z) * z, "Fresh noise comes in once, as σ z.", atol=atol)
    old = step(0 * x_0, torch.ones_like(eps), 0 * z)
    rounding = 1e-7 if share == 1 else 4 * atol                  # the root of what is 0 but for rounding
    expect_close(f"{what}: the square of ε's coefficient, plus σ²", old.double() ** 2 + wide(sigma, left) ** 2, left,
                 "For each σ, x_s has the variance of q(x_s | x_0), 1 − ᾱ_s: z brings σ² of it, the old noise ε the rest.", atol=rounding)
    expect_close(f"{what}: ε's coefficient", old, old.abs(), "It is a root, and positive.", atol=rounding)
    expect_close(what, step(x_0, eps, z), mean + old * eps + fresh, "The step is linear in x_t, v and z.", atol=8 * atol, dtype=x_0.dtype)


def decoded(alpha_bar: Tensor, x: Tensor, eps: Tensor, t: int, s: int) -> Tensor:
    """The deterministic step of DDIM from t to s, with the network's ε given."""
    x_0 = (x - (1 - alpha_bar[t]).sqrt() * eps) / alpha_bar[t].sqrt()
    return alpha_bar[s].sqrt() * x_0 + (1 - alpha_bar[s]).sqrt() * eps


def check_encode(encode, seed: int = 0) -> None:
    rng = seeded(seed)
    alpha_bar = schedule.linear(60, 1e-3, 0.1).alpha_bar
    for dtype, atol in DTYPES:
        for tau, n in ((torch.tensor([60]), 1), (times(rng, 60, 5), 1), (times(rng, 59, 4), 2), (torch.arange(1, 61, 3), 3)):
            _encoded(encode, alpha_bar, tau, n, *torch.randn(2, 4, 3, 2, dtype=dtype, generator=rng), atol)
    c = uniform(rng, 1, low=0.3, high=2.0)
    gaussian = lambda x, t: x * wide(((1 - alpha_bar).sqrt() / (alpha_bar * c + 1 - alpha_bar))[t], x)
    x_0, tau = torch.randn(3, 4, dtype=torch.float64, generator=rng), torch.arange(4, 61, 4)
    x = call(encode, gaussian, x_0, alpha_bar, tau, 60)
    for t, s in zip(tau.tolist()[::-1], [*tau.tolist()[-2::-1], 0]):
        x = decoded(alpha_bar, x, gaussian(x, torch.full((len(x),), t)), t, s)
    expect_close("what DDIM makes of the encoded x_0, after 60 iterations a step", x, x_0, "With many iterations the inverse is exact.",
                 atol=1e-7)


def _encoded(encode, alpha_bar: Tensor, tau: Tensor, n: int, x_0: Tensor, eps: Tensor, atol: float) -> None:
    what = f"{len(tau)} step{'s' * (len(tau) > 1)} to τ = {tau[-1]}, {n} iteration{'s' * (n > 1)} each"
    end = alpha_bar[tau[-1]].to(x_0.dtype)
    expect_close(f"{what}, with a network that always says the same ε", call(encode, lambda x, t: eps, x_0, alpha_bar, tau, n),
                 end.sqrt() * x_0 + (1 - end).sqrt() * eps, "Then all x_t on the way have the same x_0 and the same ε: the way "
                 "leads to the x_t of q for these two.", atol=4 * atol, rtol=1e-4, dtype=x_0.dtype)

    def model(x: Tensor, t: Tensor | int) -> Tensor:
        """An ε that depends on x and t."""
        return 0.8 * torch.tanh(x + wide(torch.as_tensor(t).expand(len(x)) / 60, x))

    asked = Asked(model)
    got = call(encode, asked, x_0, alpha_bar, tau, n)
    asked.expect_whole(1, "t as the network gets it")
    told, expected = [args[1][0].item() for args in asked.calls], [t for t in tau.tolist() for _ in range(n)]
    assert len(told) == len(expected), f"{what}: expected {len(expected)} questions to the network, got {len(told)}."
    assert told == expected, (f"{what}: expected that the network is told the times {expected[:5]} …, got {told[:5]} …. The DDIM "
                              "step that is inverted starts from t: that is what its network was told.")
    x = x_0.double()
    for s, t in zip([0, *tau.tolist()], tau.tolist()):
        point, one, zero = x, torch.ones_like(x), torch.zeros_like(x)
        on_x, on_eps = decoded(alpha_bar, one, zero, t, s), decoded(alpha_bar, zero, one, t, s)
        for _ in range(n):
            point = (x - on_eps * model(point, t)) / on_x
        x = point
    expect_close(f"{what}, with an ε that depends on x and t", got, x, "Each iteration asks for ε at the point that the one before it "
                 "found, and solves \"a DDIM step with this ε leads to x_s\" for that step's start; x_s stays what it is.",
                 atol=20 * atol, rtol=1e-3, dtype=x_0.dtype)


def sharpened(net: Net, factor: float) -> Net:
    """The network with its last layer multiplied, so with logits that many times as far apart."""
    last = [*net.state][-2:]
    return net._replace(state={key: factor * w if key in last else w for key, w in net.state.items()})


def slope(function: Callable[[Tensor], Tensor], x: Tensor, h: float = 1e-5) -> Tensor:
    """The gradient of function(x), (batch,), in each x of a batch (batch, d), by central differences; without autograd."""
    with torch.no_grad():
        edges = h * torch.eye(x.shape[1], dtype=x.dtype)
        return torch.stack([(function(x + e) - function(x - e)) / (2 * h) for e in edges], 1)


def check_log_p_gradient(log_p_gradient, seed: int = 0) -> None:
    rng = seeded(seed)
    net = Net.draw("TimeMLP", (2, 12, 4), rng, 0.4)
    x, t = 2 * torch.randn(40, 2, generator=rng), torch.randint(1, 1000, (40,), generator=rng)
    mask = torch.rand(40, 4, generator=rng) < 0.5
    mask[torch.arange(40), torch.randint(4, (40,), generator=rng)] = True
    mask[0], mask[1] = torch.tensor([False, True, False, False]), True
    for typed, atol in ((net.double(), 1e-7), (net, 2e-4)):
        _of_sets(log_p_gradient, typed, x[:9], t[:9], mask[:9], atol)
    for factor in (1e3, 5e3):
        _far_logits(log_p_gradient, sharpened(net, factor), x, t, mask)


def _gradient(log_p_gradient, net: Net, x: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    result, left = expect_results(call(log_p_gradient, net, x, t, mask), "the gradient, and what it left behind", 2)
    assert left == "nothing", (f"the answer left behind {left}. A gradient in x_t needs neither gradients in the classifier's "
                               "weights nor a graph of its own: which function returns gradients, and stores none?")
    return result


def _of_sets(log_p_gradient, net: Net, x: Tensor, t: Tensor, mask: Tensor, atol: float) -> None:
    module, dtype = net.double().build(), next(iter(net.state.values())).dtype
    expected = slope(lambda x: (module(x, t).softmax(1) * mask).sum(1).log(), x.double())
    close = lambda what, got, expected, hint: expect_close(what, got, expected, hint, rtol=1e-4, atol=atol, dtype=dtype)
    x = x.to(dtype)
    got = _gradient(log_p_gradient, net, x, t, mask)
    assert got is not None and got.shape == x.shape, f"expected a gradient of x_t's shape, {tuple(x.shape)}, got {got}"
    close("the gradient where the set holds all classes", got[1], torch.zeros(2), "That has probability 1, everywhere.")
    close("the gradient where the set holds one class, by differences of its log probability", got[0], expected[0],
          "The softmax of the logits over all classes is their probability, and one image's gradient is no mean over the batch.")
    close("the gradient in each image of the log probability of its own set, by differences", got, expected, "The probability of "
          "a set is the sum over its classes, and each image has its own set.")
    for part in (slice(2, 3), slice(3, 7)):
        alone = _gradient(log_p_gradient, net, x[part], t[part], mask[part])
        close(f"the gradients of {part.stop - part.start} of the batch, without the others", alone, got[part],
              "An image's gradient must not depend on how many images there are: is there a mean?")
    try:
        with torch.no_grad():
            inside = _gradient(log_p_gradient, net, x, t, mask)
    except RuntimeError as error:
        raise AssertionError(f"inside torch.no_grad(), where samplers run, it fails: {error}. torch.enable_grad() switches gradients "
                             "on again.") from None
    close("the gradient inside torch.no_grad()", inside, got, "It must not depend on who asks.")


def _far_logits(log_p_gradient, net: Net, x: Tensor, t: Tensor, mask: Tensor) -> None:
    """Where one logit of the set and one of all are far above the others, log p is the difference of these two."""
    module = net.double().build()
    inside = lambda x: module(x, t).masked_fill(~mask, -math.inf)
    with torch.no_grad():
        gaps = [scores.topk(2).values @ torch.tensor([1.0, -1.0]).double() for scores in (module(x.double(), t), inside(x.double()))]
        largest = module(x.double(), t).abs().max().item()
    clear = ((gaps[0] > 50) & (gaps[1] > 50)).nonzero().flatten()[:8]
    limit = slope(lambda x: inside(x).amax(1) - module(x, t).amax(1), x.double(), 1e-6)[clear]
    got = _gradient(log_p_gradient, net, x[clear], t[clear], mask[clear])
    expect_close(f"the gradient where logits are as large as {largest:.0e}", got, limit, "There log p is the best logit of the set minus the "
                 "best of all. exp of such a logit overflows, and the log of a probability that underflows is −inf: stay with logs.",
                 rtol=1e-3, atol=1e-4 * limit.abs().max().item())


def check_guided_x_0(guided_x_0, seed: int = 0) -> None:
    rng = seeded(seed)
    for noise in (schedule.linear(1000), schedule.cosine(50)):
        for dtype, rtol in ((torch.float32, 2e-4), (torch.float64, 1e-7)):
            _posterior(guided_x_0, rng, noise.alpha_bar, torch.randint(1, int(0.8 * noise.T), (5,), generator=rng), dtype, rtol)


def _posterior(guided_x_0, rng: torch.Generator, alpha_bar: Tensor, t: Tensor, dtype: torch.dtype, rtol: float) -> None:
    """Each pixel alone: x_0 ~ N(m, c), x_t of it as always, and y ~ N(x_0, r). All of it is conditioning of a Gaussian."""
    x_t, y = torch.randn(2, 5, 2, 3, dtype=torch.float64, generator=rng)
    m, c, r = torch.randn((), generator=rng).item(), *uniform(rng, 2, low=0.3, high=2.0).tolist()
    root, var = wide(alpha_bar[t].sqrt(), x_t), wide(alpha_bar[t] * c + 1 - alpha_bar[t], x_t)       # of x_t: mean root m, variance var
    covariance = torch.stack([var, root * c, root * c, torch.full_like(var, c + r)], -1).reshape(5, 2, 2)
    with_x_0 = torch.stack([root * c, torch.full_like(root, c)], -1).reshape(5, 2, 1)
    seen = torch.stack([x_t - root * m, y - m], -1).flatten(1, 2)                                    # (batch, pixels, 2)
    both = m + (seen @ torch.linalg.solve(covariance, with_x_0)).reshape(x_t.shape)                  # E[x_0 | x_t, y]
    x_0_of = lambda x: m + root * c / var * (x - root * m)                                           # E[x_0 | x_t]
    log_p = lambda x: -(y - x_0_of(x)) ** 2 / (2 * (c + r - (root * c) ** 2 / var))                  # of y given x_t
    gradient = (log_p(x_t + 0.01) - log_p(x_t - 0.01)) / 0.02                                        # exact for a parabola
    alone, size = x_0_of(x_t), both.abs().max().item()
    guided = lambda scale: call(guided_x_0, alone.to(dtype), x_t.to(dtype), gradient.to(dtype), alpha_bar, t, scale)
    expect_close("the guided x_0 with scale 0", guided(0.0), alone, "Without guidance nothing changes.", rtol=rtol, atol=rtol)
    expect_close("the guided x_0 with scale 1, where y is a Gaussian x_0 plus noise", guided(1.0), both, "With the exact E[x_0 | x_t] "
                 "and the exact gradient it is E[x_0 | x_t, y]. Go from x_0 to ε, guide that, and go back.",
                 rtol=rtol, atol=rtol * size, dtype=dtype)
    for scale in (-0.7, 5.0):
        expect_close(f"the guided x_0 with scale {scale}", guided(scale), alone + scale * (both - alone), "The scale multiplies the "
                     "gradient, and what the gradient adds to x_0 is proportional to it.", rtol=rtol, atol=10 * rtol * size, dtype=dtype)


def check_guided_mean(guided_mean, seed: int = 0) -> None:
    rng = seeded(seed)
    x_t, mean, pull = torch.randn(3, 4, 3, dtype=torch.float64, generator=rng)
    log_var = 2 * torch.randn(4, 3, dtype=torch.float64, generator=rng) - 2
    t = torch.randint(2, 1000, (4,), generator=rng)
    steps = torch.linspace(-12, 12, 4001).double().reshape(-1, 1, 1)

    def posterior(log_p: Callable, log_var: Tensor) -> Tensor:
        """The mean of N(x; μ, Σ) p(y | x), normalised: sums over a grid, for each pixel."""
        std = log_var.exp().sqrt()
        x = mean + steps * std * (1 + pull.abs() * std)
        return ((-(x - mean) ** 2 / (2 * log_var.exp()) + log_p(x)).softmax(0) * x).sum(0)

    asked = Asked(lambda x, t: pull[:len(x)])
    got = call(guided_mean, x_t, t, mean, log_var, asked, 1.0)
    asked.expect_whole(1, "t as the gradient gets it")
    assert len(asked.calls) == 1, f"the gradient was asked {len(asked.calls)} times: expected once, for all images."
    expect_close("the guided mean where log p(y | x) is a straight line", got, posterior(lambda x: pull * x, log_var), "N(μ, Σ) times "
                 "the exponential of a line is a Gaussian with another mean, and how far it moves is a matter of that pixel's "
                 "variance. log_var is the logarithm of σ², for each pixel.", rtol=1e-6, atol=1e-7, dtype=torch.float64)
    expect_close("the t that the gradient is told", asked.calls[0][1], t, "Pass on the t that is given.", rtol=0, atol=0)
    expect_close("the point where the gradient is taken", asked.calls[0][0], mean, "This question asks for it where the derivation "
                 "expands log p(y | x).", rtol=0, atol=1e-12)
    bowl = lambda x: -0.7 * (x - pull) ** 2
    down = lambda x, t: ((bowl(x.double() + 0.01) - bowl(x.double() - 0.01)) / 0.02).to(x.dtype)
    small = 0.5 * log_var.clamp(-2, 2) - 9
    moved = lambda to: (to - mean) / small.exp()
    expect_close("how far the mean moves, in units of Σ, where Σ is small", moved(call(guided_mean, x_t, t, mean, small, down, 1.0)),
                 moved(posterior(bowl, small)), "A narrow Gaussian sees of log p its tangent at μ only.", rtol=5e-3, atol=5e-3)
    for dtype, rtol in ((torch.float32, 1e-4), (torch.float64, 1e-8)):
        guided = lambda scale, d=dtype: call(guided_mean, x_t.to(d), t, mean.to(d), log_var.to(d), down, scale)
        expect_close("the guided mean with scale 0", guided(0.0), mean.to(dtype), "Without guidance it is the model's own.", dtype=dtype)
        one = guided(1.0).double()
        for scale in (-0.5, 4.0):
            expect_close(f"the guided mean with scale {scale}", guided(scale), mean + scale * (one - mean), "The scale multiplies the "
                         "shift that scale 1 gives.", rtol=rtol, atol=rtol * max(1.0, one.abs().max().item()), dtype=dtype)
    images = torch.randn(3, 2, 1, 4, 4, generator=rng)
    flat = [image.flatten(1) for image in images]
    guided = lambda x, mean, log_var: call(guided_mean, x, t[:2], mean, log_var, lambda x, t: -x, 1.0)
    expect_close("the guided mean of images", guided(*images).flatten(1), guided(*flat), "Each pixel stands alone.", dtype=torch.float32)


def check_classifier_free(classifier_free, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype, rtol in ((torch.float32, 2e-4), (torch.float64, 1e-6)):
        _composed(classifier_free, rng, dtype, rtol)


def _composed(classifier_free, rng: torch.Generator, dtype: torch.dtype, rtol: float) -> None:
    none = 5                                                    # classes 0 … 4, and the label for "no class"
    m, c = torch.randn(none + 1, 3, dtype=torch.float64, generator=rng), uniform(rng, none + 1, 3, low=0.3, high=2.0)
    alpha_bar = schedule.cosine(100).alpha_bar
    x, t = torch.randn(4, 3, dtype=torch.float64, generator=rng), torch.randint(1, 90, (4,), generator=rng)
    y, y_not, nobody = torch.tensor([[0, 1, 2, 3], [3, 2, 4, 0], [none] * 4])

    def log_p(x: Tensor, y: Tensor, t: Tensor = t) -> Tensor:
        """log p_t(x | y) of data N(m_y, c_y), (batch,), up to a constant."""
        a = alpha_bar[t][:, None]
        return (-(x - a.sqrt() * m[y]) ** 2 / (2 * (a * c[y] + 1 - a))).sum(1)

    def eps_of(log_p: Callable, x: Tensor, t: Tensor) -> Tensor:
        return -(1 - alpha_bar[t]).sqrt()[:, None] * slope(log_p, x.double())

    eps_model = lambda x, t, y: eps_of(lambda x: log_p(x, y, t), x, t).to(x.dtype)

    def guided(y: Tensor, y_not: Tensor, w: float, u: float) -> Tensor:
        asked = Asked(eps_model)
        got = call(classifier_free, asked, x.to(dtype), t, y, y_not, none, w, u)
        asked.expect_whole(1, "t as the network gets it")
        asked.expect_whole(2, "the class as the network gets it")
        return got

    def goal(x: Tensor, w: float, u: float) -> Tensor:
        likelihood = lambda y: log_p(x, y) - log_p(x, nobody)
        return log_p(x, nobody) + (1 + w) * likelihood(y) - u * likelihood(y_not)

    close = lambda what, got, expected, hint: expect_close(f"the guided ε for {what}", got, expected, hint, rtol=rtol,
                                                           atol=20 * rtol, dtype=dtype)
    close("w = 0, u = 0", guided(y, y_not, 0.0, 0.0), eps_model(x, t, y), "Then p(x) p(y | x) is what is sampled: the conditional model.")
    close("w = −1, u = 0", guided(y, y_not, -1.0, 0.0), eps_model(x, t, nobody), "Then nothing is left of the class: p(x).")
    close("w = −1, u = −1", guided(y, y_not, -1.0, -1.0), eps_model(x, t, y_not), "Divided by p(y' | x) to the −1: that is a wish for y'.")
    close("y' = y, u = 1 + w", guided(y, y, 1.5, 2.5), eps_model(x, t, nobody), "What one factor adds, the other takes away: p(x).")
    for w, u in ((2.0, 0.0), (0.5, 0.8), (3.0, 1.7)):
        expected = eps_of(lambda x, w=w, u=u: goal(x, w, u), x, t)
        close(f"w = {w}, u = {u}, whose score was found by differences", guided(y, y_not, w, u), expected, "Take the log and its slope. "
              "p(y | x) is p(x | y) p(y) / p(x): how often does p(x) come in, all in all?")
    image = torch.randn(2, 1, 3, 3, dtype=dtype, generator=rng)
    got = call(classifier_free, lambda x, t, y: x + wide(y, x), image, t[:2], y[:2], y_not[:2], none, 1.0, 0.5)
    alone = [call(classifier_free, lambda x, t, y: x + wide(y, x), image[i:i + 1], t[i:i + 1], y[i:i + 1], y_not[i:i + 1], none, 1.0, 0.5)
             for i in (0, 1)]
    close("a batch of images", got, torch.cat(alone), "Each image has its own classes.")
