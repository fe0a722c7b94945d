"""Exercise 7, DDIM: the sub-sequence of times, σ, one step from v, and its inverse."""
from itertools import pairwise

import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_refusal, expect_results, expect_tensor
from course_lib.checks.facts.callbacks import Asked
from course_lib.checks.facts.chains import exact_eps, per_image
from course_lib.checks.facts.draws import random_subsequence, seeded, uniform
from course_lib.diffusion import gaussian_chain, schedule
from course_lib.hidden.chains import posterior, velocity

DTYPES = ((torch.float32, 5e-6), (torch.float64, 1e-9))


def check_sub_sequence(sub_sequence, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda low, high: int(torch.randint(low, high + 1, (), generator=rng))
    cases = [(1000, 10, 2), (1000, 100, 2), (1000, 25, 3), (20, 20, 3), (7, 1, 2), (10, 9, 4),
             (1000, 30, 1), (1, 1, 2)]
    cases += [(T, draw(2, T), draw(1, 4)) for T in (draw(5, 60), draw(100, 1000), 4000)]
    for T, S, power in cases:
        what = f"T = {T}, S = {S}, power = {power}"
        tau = call(sub_sequence, T, S, power)
        expect_tensor(what, tau, (S,), torch.int64, "It holds S whole numbers.")
        _chosen(what, tau.tolist(), T, S, power)
        if power == 1:
            even = schedule.linear(T).respace(S).times[1:]
            expect_close(f"{what}, which is evenly spaced", tau, even,
                         "With power 1 all gaps are equal, up to rounding down.", rtol=0, atol=0)
    for T, S in ((10, 0), (10, 11), (10, -1)):
        expect_refusal(f"T = {T}, S = {S}", sub_sequence, T, S, 2)


def _chosen(what: str, tau: list[int], T: int, S: int, power: int) -> None:
    assert tau[-1] == T, (
        f"{what}: expected the last time to be T, got {tau[-1]}. Where is i/S = 1?")
    assert tau[0] >= 1, (f"{what}: expected times of 1 … T, got {tau[0]} first. At time 0 there is "
                         "nothing to denoise.")
    for s, t in pairwise(tau):
        assert s < t, (f"{what}: expected times that increase, got {t} after {s}. No time comes "
                       "twice.")
    for i, t in enumerate(tau, 1):
        assert T * i ** power < (t + 1) * S ** power, (
            f"{what}: τ_{i} = {t} is too small. Where floating point rounds, a floor may lose 1: "
            "is there a whole-number way?")
        assert t * S ** power <= T * i ** power or t == i, (
            f"{what}: τ_{i} = {t} is more than T (i/S)^{power} allows, and not {i} either. Round "
            "down.")


def check_sigmas(sigmas, seed: int = 0) -> None:
    rng = seeded(seed)
    for noise, S in ((schedule.linear(1000), 12), (schedule.cosine(200), 20),
                     (schedule.linear(10, 0.01, 0.4), 10), (schedule.linear(50), 1)):
        tau = random_subsequence(rng, noise.T, S)
        _sigmas_and_largest_eta(sigmas, noise, tau, uniform(rng, S))


def _sigmas_and_largest_eta(sigmas, noise: schedule.NoiseSchedule, tau: Tensor,
                            eta: Tensor) -> None:
    alpha_bar, T, ones = noise.alpha_bar, noise.T, torch.ones_like(eta)
    results = lambda tau, eta: expect_results(call(sigmas, alpha_bar, tau, eta),
                                              "σ and the largest η", 2)
    exact = {"rtol": 1e-7, "atol": 1e-12}
    s = torch.cat([torch.zeros(1, dtype=torch.int64), tau[:-1]])
    sigma, _ = results(torch.arange(1, T + 1), torch.ones(T, dtype=torch.float64))
    expect_close(f"σ² at the times 1 … T = {T} with η = 1", sigma.square(),
                 noise.posterior_variance[1:],
                 "There DDIM is DDPM: β̃_t. What DDIM's paper calls α is ᾱ.", dtype=torch.float64,
                 **exact)
    sigma, largest = results(tau, ones)
    what = f"for {len(tau)} of T = {T} times"
    expect_close(f"σ of the last step, to the image, {what}", sigma[0], 0.0,
                 "Before τ_1 comes time 0, where ᾱ is 1: no noise belongs in an image.", atol=1e-9)
    _, _, variance = posterior(alpha_bar, s, tau)
    expect_close(f"σ² {what} with η = 1", sigma[1:].square(), variance[1:],
                 "It is the variance of x_s given x_t and x_0, where s is the time before t in the "
                 "sub-sequence.", **exact)
    got = results(tau, eta)
    expect_close(f"σ {what} with another η at each step", got[0], eta * sigma,
                 "σ is proportional to η; η_i belongs to the step from τ_i.", dtype=torch.float64,
                 **exact)
    expect_close(f"the largest η of the last step, {what}", largest[0], 1.0,
                 "σ is 0 there for each η, so take the limit for ᾱ_s → 1: what cancels, before you "
                 "put in numbers?", rtol=1e-7)
    expect_close(f"the largest η {what} when σ is asked for other η", got[1], largest,
                 "It depends on the schedule and the sub-sequence only.", rtol=1e-7)
    expect_close(f"σ² at the largest η {what}", results(tau, largest)[0].square(), 1 - alpha_bar[s],
                 "There nothing is left of the direction: 1 − ᾱ_s − σ² = 0.", **exact)
    expect_close(f"σ {what} with η = 0", results(tau, 0 * ones)[0], 0 * ones,
                 "DDIM's own chain adds no noise.", atol=0)


def check_ddim_step(ddim_step, seed: int = 0) -> None:
    rng = seeded(seed)
    noise = schedule.linear(100, 1e-3, 0.1)
    only_noise = noise.alpha_bar.clone()
    only_noise[-1] = 0                                          # x_T is noise and nothing else
    s = torch.tensor([0, 10, 25, 40, 69, 98])
    t_of_s, T = s + torch.tensor([30, 1, 60, 20, 7, 2]), torch.full((6,), 100)
    for dtype, atol in DTYPES:
        x_0, eps, z = torch.randn(3, 6, 2, 3, dtype=dtype, generator=rng)
        t = torch.randint(2, 100, (6,), generator=rng)
        x_t, v = (x.to(dtype) for x in velocity(noise.alpha_bar, t, x_0, eps))
        sigma = noise.posterior_variance[t].sqrt()
        expect_close("x_s for s = t − 1, σ² = β̃_t and z = 0",
                     call(ddim_step, v, x_t, noise.alpha_bar, t, t - 1, sigma, 0 * z),
                     gaussian_chain.posterior_mean(noise, x_0, x_t, t),
                     "With η = 1 and neighbouring times this is a step of DDPM: the mean of "
                     "q(x_{t−1} | x_t, x_0). What does v say about x_0, and what about ε?",
                     atol=atol, rtol=1e-4, dtype=dtype)
        for share in (0.0, 0.6, 1.0) if dtype == torch.float64 else (0.0, 0.6):
            parts = x_0, eps, z
            _linear_parts(ddim_step, noise.alpha_bar, t_of_s, s, share, parts, atol, "")
            _linear_parts(ddim_step, only_noise, T, s, share, parts, atol, " where ᾱ_t = 0")


def _linear_parts(ddim_step, alpha_bar: Tensor, t: Tensor, s: Tensor, share: float,
                  parts: tuple[Tensor, Tensor, Tensor], atol: float, where: str) -> None:
    """The step is linear, so three parts tell all: what x_0 gives, what ε gives, what z gives."""
    x_0, eps, z = parts
    dtype = x_0.dtype
    sigma = share * (1 - alpha_bar[s]).sqrt()
    what = f"x_s, each image with its own jump from t to s{where}, σ = {share:g} √(1 − ᾱ_s)"

    def step(x_0: Tensor, eps: Tensor, z: Tensor) -> Tensor:
        x_t, v = (x.to(dtype) for x in velocity(alpha_bar, t, x_0, eps))
        return call(ddim_step, v, x_t, alpha_bar, t, s, sigma, z)

    mean = per_image(alpha_bar[s].sqrt(), x_0) * x_0
    expect_close(f"{what}, of an image without noise", step(x_0, 0 * eps, 0 * z), mean,
                 "A root of what should be 0, and is −1e-17, is NaN." if share == 1 else
                 "x_s has the mean of q(x_s | x_0). Nothing has to be divided by √ᾱ_t.",
                 atol=atol, dtype=dtype)
    fresh = step(0 * x_0, 0 * eps, z)
    expect_close(f"{what}, where x_0 and ε are 0", fresh, per_image(sigma, z) * z,
                 "Fresh noise comes in once, as σ z.", atol=atol)
    old = step(0 * x_0, torch.ones_like(eps), 0 * z)
    rounding = 1e-7 if share == 1 else 4 * atol             # the root of what is 0 but for rounding
    precise = x_0.double()
    variance = per_image(1 - alpha_bar[s], precise).expand(x_0.shape)
    expect_close(f"{what}: the square of ε's coefficient, plus σ²",
                 old.double() ** 2 + per_image(sigma, precise) ** 2, variance,
                 "For each σ, x_s has the variance of q(x_s | x_0), 1 − ᾱ_s: z brings σ² of it, "
                 "the old noise ε the rest.", atol=rounding)
    expect_close(f"{what}: ε's coefficient", old, old.abs(), "It is a root, and positive.",
                 atol=rounding)
    expect_close(what, step(x_0, eps, z), mean + old * eps + fresh,
                 "The step is linear in x_t, v and z.", atol=8 * atol, dtype=dtype)


def decoded(alpha_bar: Tensor, x: Tensor, eps: Tensor, t: int, s: int) -> Tensor:
    """x_s = √ᾱ_s x̂_0 + √(1 − ᾱ_s) ε, the deterministic step from t to s, with ε given
    DDIM, eq. 12"""
    x_0 = (x - (1 - alpha_bar[t]).sqrt() * eps) / alpha_bar[t].sqrt()
    return alpha_bar[s].sqrt() * x_0 + (1 - alpha_bar[s]).sqrt() * eps


def check_encode(encode, seed: int = 0) -> None:
    rng = seeded(seed)
    alpha_bar = schedule.linear(60, 1e-3, 0.1).alpha_bar
    for dtype, atol in DTYPES:
        for tau, n in ((torch.tensor([60]), 1), (random_subsequence(rng, 60, 5), 1),
                       (random_subsequence(rng, 59, 4), 2), (torch.arange(1, 61, 3), 3)):
            x_0, eps = torch.randn(2, 4, 3, 2, dtype=dtype, generator=rng)
            _encoded(encode, alpha_bar, tau, n, x_0, eps, atol)
    eps_model = exact_eps(alpha_bar, 0.0, uniform(rng, low=0.3, high=2.0).item())
    x_0 = torch.randn(3, 4, dtype=torch.float64, generator=rng)
    tau = torch.arange(4, 61, 4)
    x = call(encode, eps_model, x_0, alpha_bar, tau, 60)
    for s, t in reversed([*pairwise([0, *tau.tolist()])]):
        x = decoded(alpha_bar, x, eps_model(x, t), t, s)
    expect_close("what DDIM makes of the encoded x_0, after 60 iterations a step", x, x_0,
                 "With many iterations the inverse is exact.", atol=1e-7)


def _encoded(encode, alpha_bar: Tensor, tau: Tensor, n: int, x_0: Tensor, eps: Tensor,
             atol: float) -> None:
    what = (f"{len(tau)} step{'s' * (len(tau) > 1)} to τ = {tau[-1]}, {n} iteration"
            f"{'s' * (n > 1)} each")
    end = alpha_bar[tau[-1]].to(x_0.dtype)
    expect_close(f"{what}, with a network that always says the same ε",
                 call(encode, lambda x, t: eps, x_0, alpha_bar, tau, n),
                 end.sqrt() * x_0 + (1 - end).sqrt() * eps,
                 "Then all x_t on the way have the same x_0 and the same ε: the way leads to the "
                 "x_t of q for these two.", atol=4 * atol, rtol=1e-4, dtype=x_0.dtype)

    def model(x: Tensor, t: Tensor | int) -> Tensor:
        """An ε that depends on x and t."""
        return 0.8 * torch.tanh(x + per_image(torch.as_tensor(t).expand(len(x)) / 60, x))

    asked = Asked(model)
    got = call(encode, asked, x_0, alpha_bar, tau, n)
    asked.expect_integers(1, "t as the network gets it")
    told = [args[1][0].item() for args in asked.calls]
    expected = [t for t in tau.tolist() for _ in range(n)]
    assert len(told) == len(expected), (
        f"{what}: expected {len(expected)} questions to the network, got {len(told)}.")
    assert told == expected, (
        f"{what}: expected that the network is told the times {expected[:5]} …, got {told[:5]} …. "
        "The DDIM step that is inverted starts from t: that is what its network was told.")
    x = x_0.double()
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    for s, t in pairwise([0, *tau.tolist()]):
        on_x, on_eps = decoded(alpha_bar, one, zero, t, s), decoded(alpha_bar, zero, one, t, s)
        x_t = x
        for _ in range(n):
            x_t = (x - on_eps * model(x_t, t)) / on_x
        x = x_t
    expect_close(f"{what}, with an ε that depends on x and t", got, x,
                 "Each iteration asks for ε at the point that the one before it found, and solves "
                 "\"a DDIM step with this ε leads to x_s\" for that step's start; x_s stays what "
                 "it is.", atol=20 * atol, rtol=1e-3, dtype=x_0.dtype)
