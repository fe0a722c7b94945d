"""Exercise 7, DDIM: the sub-sequence of times, σ, one step from v, and its inverse."""
from itertools import pairwise

import torch
from torch import Tensor

from course_lib.checks import (
    at_most,
    call,
    expect_close,
    expect_refusal,
    expect_results,
    expect_tensor,
)
from course_lib.checks.facts.callbacks import Asked
from course_lib.checks.facts.chains import exact_eps, per_image
from course_lib.checks.facts.draws import random_subsequence, seeded, uniform
from course_lib.diffusion import schedule
from course_lib.hidden.chains import posterior, velocity

DTYPES = ((torch.float32, 5e-6), (torch.float64, 1e-10))
SHAPES = ((1, 1), (5,), (1, 3), (3, 1), (2, 1, 3, 3), (1, 2, 1, 2))


def decades() -> Tensor:
    """An ᾱ that falls over many decades: 1 − 1e-9 first, then down to 1e-14, and with two times at
    which it is nearly the same."""
    nines = 1 - 10 ** -torch.linspace(9, 1, 9).double()
    close = torch.tensor([0.5, 0.5 * (1 - 1e-7)]).double()
    small = 10 ** -torch.linspace(1, 14, 9).double()
    return torch.cat([torch.ones(1).double(), nines, close, small])


def check_sub_sequence(sub_sequence, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda low, high: int(torch.randint(low, high + 1, (), generator=rng))
    cases = [(1000, 10, 2), (1000, 100, 2), (1000, 25, 3), (20, 20, 3), (7, 1, 2), (10, 9, 4),
             (1000, 30, 1), (1, 1, 2), (2, 1, 5), (4000, 1000, 12),
             (3000, 2999, 7), (17, 16, 12)]
    # where floating point is wrong, also after a little is added
    cases += [(2634, 1251, 6), (1317, 834, 6), (4221, 1735, 2), (3104, 612, 3), (3645, 351, 6)]
    cases += [(2152, 643, 6), (3228, 643, 6), (4304, 643, 6)]
    # whole numbers, from fractions that no decimal ends
    cases += [(3996, 30, 2), (3888, 6, 5), (2916, 6, 6), (3773, 14, 3), (2197 * 2, 26, 3)]
    cases += [(T, draw(2, T), draw(1, 4)) for T in (draw(5, 60), draw(100, 1000), 4000)]
    cases += [(draw(1000, 4000), draw(20, 1000), power) for power in range(5, 13)]
    for T, S, power in cases:
        what = f"T = {T}, S = {S}, power = {power}"
        tau = call(sub_sequence, T, S, power)
        expect_tensor(what, tau, (S,), torch.int64, "It holds S whole numbers.")
        _chosen(what, tau.tolist(), T, S, power)
        if power == 1:
            even = schedule.linear(T).respace(S).times[1:]
            expect_close(f"{what}, which is evenly spaced", tau, even,
                         "With power 1 all gaps are equal, up to rounding down.", rtol=0, atol=0)
    for T, S, power in ((10, 0, 2), (10, 11, 2), (10, -1, 2), (1, 2, 3), (4000, 4001, 1),
                        (1000, 1000_000, 2), (1, 0, 1)):
        expect_refusal(f"T = {T}, S = {S}", sub_sequence, T, S, power)


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
                     (schedule.linear(10, 0.01, 0.4), 10), (schedule.linear(50), 1),
                     (schedule.linear(40), 2), (schedule.linear(1, 0.3), 1)):
        tau = random_subsequence(rng, noise.T, S)
        _sigmas_and_largest_eta(sigmas, noise.alpha_bar, tau, uniform(rng, S))
        _sigmas_and_largest_eta(sigmas, noise.alpha_bar, tau, 10 ** uniform(rng, S, low=-6, high=6))
    all_times = torch.arange(1, len(decades()))
    _sigmas_and_largest_eta(sigmas, decades(), all_times, uniform(rng, len(all_times)), 2e-6)
    _sigmas_and_largest_eta(sigmas, decades(), all_times[5::3], uniform(rng, 5), 2e-6)
    _nearly_the_same(sigmas)


def _nearly_the_same(sigmas) -> None:
    """Where ᾱ hardly changes, at little noise and at much, rounding leaves two or three digits."""
    tiny = 1 - torch.tensor([1e-13, 2e-13]).double()
    steps = torch.tensor([0.5, 1e-4, 1e-9]).double()
    alpha_bar = torch.cat([torch.ones(1).double(), tiny,
                           torch.stack([steps, steps * (1 - 1e-13)], 1).flatten()])
    tau = torch.arange(1, len(alpha_bar))
    variance = posterior(alpha_bar, tau - 1, tau)[2]
    sigma, largest = expect_results(call(sigmas, alpha_bar, tau, torch.ones(len(tau)).double()),
                                    "σ and the largest η", 2)
    most, _ = expect_results(call(sigmas, alpha_bar, tau, largest), "σ and the largest η", 2)
    for what, square, exact in (("1", sigma ** 2, variance),
                                ("the largest η", most ** 2, 1 - alpha_bar[:-1])):
        expect_close(f"σ² with η = {what}, in units of what it should be, where ᾱ_s and ᾱ_t differ "
                     "by 1e-13 of themselves", square[1:] / exact[1:], torch.ones(len(tau) - 1),
                     "Nothing keeps variances away from 0.", rtol=0, atol=0.03)


def _sigmas_and_largest_eta(sigmas, alpha_bar: Tensor, tau: Tensor, eta: Tensor,
                            rtol: float = 1e-10) -> None:
    T, ones = len(alpha_bar) - 1, torch.ones_like(eta)
    results = lambda tau, eta: expect_results(call(sigmas, alpha_bar, tau, eta),
                                              "σ and the largest η", 2)
    exact = {"rtol": rtol, "atol": 1e-14, "dtype": torch.float64}
    s = torch.cat([torch.zeros(1, dtype=torch.int64), tau[:-1]])
    every = torch.arange(1, T + 1)
    sigma, _ = results(every, torch.ones(T, dtype=torch.float64))
    expect_close(f"σ² at the times 1 … T = {T} with η = 1", sigma.square(),
                 posterior(alpha_bar, every - 1, every)[2],
                 "There DDIM is DDPM: β̃_t. What DDIM's paper calls α is ᾱ.", **exact)
    sigma, largest = results(tau, ones)
    what = f"for {len(tau)} of T = {T} times"
    expect_close(f"σ of the last step, to the image, {what}", sigma[0], 0.0,
                 "Before τ_1 comes time 0, where ᾱ is 1: no noise belongs in an image.", atol=1e-12)
    _, _, variance = posterior(alpha_bar, s, tau)
    expect_close(f"σ² {what} with η = 1", sigma[1:].square(), variance[1:],
                 "It is the variance of x_s given x_t and x_0, where s is the time before t in the "
                 "sub-sequence.", **exact)
    for size in (1e200, 1e-200):
        expect_close(f"σ/η {what} with η about {size:g}", results(tau, size * eta)[0] / size,
                     eta * sigma, "σ is proportional to η, however large or small.", rtol=1e-12,
                     atol=0, dtype=torch.float64)
    off = torch.arange(len(eta)) % 3 != 1
    expect_close(f"the largest η {what} where some η are 0", results(tau, off * eta)[1], largest,
                 "It depends on the schedule and the sub-sequence only: no η switches it off.",
                 rtol=1e-12, atol=0, dtype=torch.float64)
    got = results(tau, eta)
    expect_close(f"σ {what} with another η at each step", got[0], eta * sigma,
                 "σ is proportional to η, however large; η_i belongs to the step from τ_i.",
                 rtol=1e-12, atol=0, dtype=torch.float64)
    expect_close(f"the largest η of the last step, {what}", largest[0], 1.0,
                 "σ is 0 there for each η, so take the limit for ᾱ_s → 1: what cancels, before you "
                 "put in numbers?", rtol=rtol, atol=0)
    expect_close(f"the largest η {what} when σ is asked for other η", got[1], largest,
                 "It depends on the schedule and the sub-sequence only.", rtol=1e-12, atol=0,
                 dtype=torch.float64)
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
        on_x_0, on_x_t, _ = posterior(noise.alpha_bar, t - 1, t)
        expect_close("x_s for s = t − 1, σ² = β̃_t and z = 0",
                     call(ddim_step, v, x_t, noise.alpha_bar, t, t - 1, sigma, 0 * z),
                     per_image(on_x_0, x_0) * x_0 + per_image(on_x_t, x_t) * x_t,
                     "With η = 1 and neighbouring times this is a step of DDPM: the mean of "
                     "q(x_{t−1} | x_t, x_0). What does v say about x_0, and what about ε?",
                     atol=4 * atol, rtol=0, dtype=dtype)
        for share in (0.0, 0.6, 1.0) if dtype == torch.float64 else (0.0, 0.6):
            parts = x_0, eps, z
            _linear_parts(ddim_step, noise.alpha_bar, t_of_s, s, share, parts, atol, "")
            _linear_parts(ddim_step, only_noise, T, s, share, parts, atol, " where ᾱ_t = 0")
        for shape in SHAPES:
            _each_alone(ddim_step, rng, noise.alpha_bar, shape, dtype, atol)
        for i, n in ((0, 2), (1, 2), (3, 4)):
            _one_is_special(ddim_step, rng, only_noise, i, n, dtype, atol)
    early, late = torch.tensor([0, 1, 4, 9, 11, 0]), torch.tensor([1, 2, 9, 12, 19, 20])
    _linear_parts(ddim_step, decades(), late, early, 0.6, parts, 1e-10, ", ᾱ of many decades")
    _gradients(ddim_step, rng, only_noise)
    x_0, eps = torch.randn(2, 4, 3, dtype=torch.float64, generator=rng)
    t = torch.tensor([1, 30, 60, 100])
    none = torch.zeros(4).double()
    x_t, v = velocity(noise.alpha_bar, t, x_0, 1e6 * eps)
    expect_close("x_s for s = 0 and σ = 0, where ε is a million times as large as x_0",
                 call(ddim_step, v, x_t, noise.alpha_bar, t, 0 * t, none, 0 * x_0), x_0,
                 "At s = 0 nothing is left of ε, not even 1e-8 of it.", rtol=0, atol=1e-4)


def _jumps(rng: torch.Generator, alpha_bar: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """For each of n images its own s < t and σ."""
    s = torch.randint(0, 50, (n,), generator=rng)
    t = s + torch.randint(1, 50, (n,), generator=rng)
    return t, s, uniform(rng, n) * (1 - alpha_bar[s]).sqrt()


def _each_alone(ddim_step, rng: torch.Generator, alpha_bar: Tensor, shape: tuple[int, ...],
                dtype: torch.dtype, atol: float) -> None:
    """Images of all shapes are as their pixels in a row, alone; twice the size is twice the
    step."""
    v, x_t, z = torch.randn(3, *shape, dtype=dtype, generator=rng)
    t, s, sigma = _jumps(rng, alpha_bar, len(x_t))
    alone = torch.cat([
        call(ddim_step, *(x[i:i + 1].reshape(1, -1) for x in (v, x_t)), alpha_bar, t[i:i + 1],
             s[i:i + 1], sigma[i:i + 1], z[i:i + 1].reshape(1, -1)) for i in range(len(x_t))])
    expect_close(f"x_s of images of shape {shape}",
                 call(ddim_step, v, x_t, alpha_bar, t, s, sigma, z), alone.reshape(shape),
                 "Each image has its own jump and σ, and what it gets does not depend on the "
                 "others or on the shape.", rtol=0, atol=atol, dtype=dtype)
    for power in (-6, 6):
        size = per_image(10.0 ** (power * torch.linspace(1, 0.2, len(x_t)).double()), x_t)
        got = call(ddim_step, size * v, size * x_t, alpha_bar, t, s, sigma, size * z)
        expect_close("x_s in units of x_t, v and z, where these are very small or very large",
                     got / size, alone.reshape(shape), "The step is linear: nothing is clamped.",
                     rtol=0, atol=4 * atol, dtype=dtype)


def _one_is_special(ddim_step, rng: torch.Generator, alpha_bar: Tensor, i: int, n: int,
                    dtype: torch.dtype, atol: float) -> None:
    """One image of a batch goes all the way, or starts from noise alone, or has the largest σ or
    none; or all the others do."""
    v, x_t, z = torch.randn(3, n, 2, dtype=dtype, generator=rng)
    t, s, _ = _jumps(rng, alpha_bar, n)
    s, t = s + 1, t + 1
    sigma = 0.5 * (1 - alpha_bar[s]).sqrt()
    one = torch.arange(n) == i
    for chosen in (one, ~one):
        arrives, starts = torch.where(chosen, 0, s), torch.where(chosen, len(alpha_bar) - 1, t)
        most = (1 - alpha_bar[s]).sqrt()
        for t_i, s_i, sigma_i in ((t, arrives, torch.where(chosen, 0, sigma)), (starts, s, sigma),
                                  (t, s, torch.where(chosen, most, sigma)),
                                  (t, s, torch.where(chosen, 0, sigma))):
            step = lambda i, t=t_i, s=s_i, sigma=sigma_i: call(
                ddim_step, v[i], x_t[i], alpha_bar, t[i], s[i], sigma[i], z[i])
            alone = torch.cat([step(slice(j, j + 1)) for j in range(n)])
            expect_close(f"x_s for t = {t_i.tolist()}, s = {s_i.tolist()} and σ = "
                         f"{[round(x, 3) for x in sigma_i.tolist()]}", step(slice(None)), alone,
                         "Each image has its own jump and σ, and what it gets does not depend on "
                         "the others.", rtol=0, atol=atol, dtype=dtype)


def _gradients(ddim_step, rng: torch.Generator, alpha_bar: Tensor) -> None:
    v, x_t, z = torch.randn(3, 4, 2, 3, dtype=torch.float64, generator=rng)
    t, s, sigma = _jumps(rng, alpha_bar, 4)
    t[1], sigma[0] = len(alpha_bar) - 1, (1 - alpha_bar[s[0]]).sqrt()
    where = {0: "v", 1: "x_t", 6: "z"}
    for i, name in where.items():
        ones = [torch.ones_like(v) if j == i else torch.zeros_like(v) for j in where]
        factor = call(ddim_step, *ones[:2], alpha_bar, t, s, sigma, ones[2])
        _, gradient = call(ddim_step, v, x_t, alpha_bar, t, s, sigma, z, wrt=i)
        expect_close(f"the gradient of the sum of x_s in {name}", gradient, factor,
                     f"The step is linear, so the gradient is {name}'s factor: no detach(), no "
                     "torch.no_grad().", rtol=0, atol=1e-10)


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
                 rtol=0, atol=atol, dtype=dtype)
    fresh = step(0 * x_0, 0 * eps, z)
    expect_close(f"{what}, where x_0 and ε are 0", fresh, per_image(sigma, z) * z,
                 "Fresh noise comes in once, as σ z.", rtol=0, atol=atol)
    old = step(0 * x_0, torch.ones_like(eps), 0 * z)
    precise = x_0.double()
    variance = per_image(1 - alpha_bar[s], precise).expand(x_0.shape)
    expect_close(f"{what}: the square of ε's coefficient, plus σ²",
                 old.double() ** 2 + per_image(sigma, precise) ** 2, variance,
                 "For each σ, x_s has the variance of q(x_s | x_0), 1 − ᾱ_s: z brings σ² of it, "
                 "the old noise ε the rest.", rtol=0, atol=4 * atol)
    expect_close(f"{what}: ε's coefficient", old, old.abs(), "It is a root, and positive.",
                 rtol=0, atol=4 * atol)
    expect_close(what, step(x_0, eps, z), mean + old * eps + fresh,
                 "The step is linear in x_t, v and z.", rtol=0, atol=8 * atol, dtype=dtype)


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
        for shape in SHAPES:
            x_0, eps = torch.randn(2, *shape, dtype=dtype, generator=rng)
            size = per_image(10.0 ** torch.linspace(-4, 4, 5).double()[-len(x_0):], x_0)
            _encoded(encode, alpha_bar, random_subsequence(rng, 60, 3), 2, size * x_0, size * eps,
                     atol)
    x_0, eps = torch.randn(2, 3, 2, dtype=torch.float64, generator=rng)
    asked = Asked(lambda x, t: eps)
    for tau, n in ((torch.tensor([20, 60]), 60), (torch.tensor([7]), 250)):
        asked.calls.clear()
        call(encode, asked, x_0, alpha_bar, tau, n)
        assert len(asked.calls) == n * len(tau), (
            f"{len(tau)} steps of {n} iterations, with a network that always says the same ε: "
            f"expected {n * len(tau)} questions to it, got {len(asked.calls)}. Repeat as often as "
            "is asked for.")
    _encoded(encode, schedule.cosine(40).alpha_bar, torch.tensor([3, 20, 40]), 2, x_0, eps, 1e-10)
    _to_nothing_but_noise(encode, rng)
    itself = lambda x, t: x
    expect_close("x_T where the network's answer is its input itself",
                 call(encode, at_most(1, itself), x_0, alpha_bar, torch.tensor([30]), 1),
                 call(encode, at_most(1, lambda x, t: x_0), x_0, alpha_bar, torch.tensor([30]), 1),
                 "What the network returns is not yours to change.", rtol=1e-12)
    eps_model = exact_eps(alpha_bar, 0.0, uniform(rng, low=0.3, high=2.0).item())
    x_0 = torch.randn(3, 4, dtype=torch.float64, generator=rng)
    tau = torch.arange(4, 61, 4)
    x = call(encode, at_most(60 * len(tau), eps_model), x_0, alpha_bar, tau, 60)
    for s, t in reversed([*pairwise([0, *tau.tolist()])]):
        x = decoded(alpha_bar, x, eps_model(x, t), t, s)
    expect_close("what DDIM makes of the encoded x_0, after 60 iterations a step", x, x_0,
                 "With many iterations the inverse is exact.", atol=1e-9)


def _to_nothing_but_noise(encode, rng: torch.Generator) -> None:
    """Schedules that end at 2e-9 and at 1e-14: what is left of the image there."""
    cosine = schedule.cosine(1000).alpha_bar
    for alpha_bar, tau in ((cosine, torch.tensor([400, 999, 1000])), (cosine, torch.tensor([1000])),
                           (decades(), torch.arange(1, len(decades())))):
        x_0, eps = torch.randn(2, 3, 2, dtype=torch.float64, generator=rng)
        got = call(encode, at_most(len(tau), lambda x, t: 0 * x), x_0, alpha_bar, tau, 1)
        expect_close("x_T/√ᾱ_T where the network finds no noise, and √ᾱ_T is as small as "
                     f"{alpha_bar[-1].sqrt().item():.0e}", got / alpha_bar[-1].sqrt(), x_0,
                     "Nothing keeps ᾱ away from 0.", rtol=1e-9)
        _encoded(encode, alpha_bar, tau, 2, x_0, eps, 1e-10)


def _encoded(encode, alpha_bar: Tensor, tau: Tensor, n: int, x_0: Tensor, eps: Tensor,
             atol: float) -> None:
    T = len(alpha_bar) - 1
    what = (f"{len(tau)} step{'s' * (len(tau) > 1)} to τ = {tau[-1]}, {n} iteration"
            f"{'s' * (n > 1)} each")
    end = alpha_bar[tau[-1]].to(x_0.dtype)
    size = 1 + x_0.abs() + eps.abs()                     # errors are relative to each pixel
    in_units = lambda x: x / size if x.shape == size.shape else x
    expect_close(f"{what}, with a network that always says the same ε",
                 in_units(call(encode, at_most(n * len(tau), lambda x, t: eps), x_0, alpha_bar,
                               tau, n)),
                 (end.sqrt() * x_0 + (1 - end).sqrt() * eps) / size,
                 "Then all x_t on the way have the same x_0 and the same ε: the way leads to the "
                 "x_t of q for these two.", rtol=0, atol=4 * atol, dtype=x_0.dtype)

    def model(x: Tensor, t: Tensor | int) -> Tensor:
        """An ε that depends on x and t."""
        time = per_image(torch.as_tensor(t).expand(len(x)) / T, x)
        return 0.8 * torch.tanh(x + time) + 0.1 * x

    asked = Asked(model)
    got = call(encode, asked, x_0, alpha_bar, tau, n)
    asked.expect_integers(1, "t as the network gets it")
    for x, *_ in asked.calls:
        expect_tensor(f"{what}: what the network is asked", x, tuple(x_0.shape), x_0.dtype,
                      "It is asked about all images, in their own shape and dtype.")
    told = [args[1].tolist() for args in asked.calls]
    expected = [[t] * len(x_0) for t in tau.tolist() for _ in range(n)]
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
    expect_close(f"{what}, with an ε that depends on x and t", in_units(got), x / size,
                 "Each iteration asks for ε at the point that the one before it found, and solves "
                 "\"a DDIM step with this ε leads to x_s\" for that step's start; x_s stays what "
                 "it is.", rtol=0, atol=20 * atol, dtype=x_0.dtype)
