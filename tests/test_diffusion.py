import math

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from gaussian import S2, M, exact_eps, law, line, rng
from torch import nn

from course_lib.core import fit, load, noise_like
from course_lib.data import batches, digits
from course_lib.diffusion import ddpm
from course_lib.diffusion.bound import (
    bound_term,
    bound_terms,
    decoder_log_prob,
    gaussian_kl,
    prior_term,
)
from course_lib.diffusion.clusters import MixtureOverClasses, clusters
from course_lib.diffusion.gaussian_chain import posterior_mean, q_sample, reverse_mean
from course_lib.diffusion.parametrisations import (
    eps_from_v,
    eps_from_x_0,
    v_from_eps,
    x_0_from_eps,
    x_0_from_v,
)
from course_lib.diffusion.schedule import NoiseSchedule, cosine, linear
from course_lib.diffusion.sohl_dickstein import ReverseChain, forward_chain
from course_lib.evaluate import classify
from course_lib.nets import Attention, PlacedUNet, TimeEmbedding, TimeMLP, UNet
from course_lib.recipes import weights
from course_lib.recipes.diffusion import digits_ddpm, middle_times

KINDS = {"linear": linear, "squaredcos_cap_v2": cosine}
SHORT = NoiseSchedule([0.1, 0.3, 0.05, 0.6, 0.2, 0.45])              # nothing regular about it
NODES, WEIGHTS = (torch.from_numpy(a) for a in np.polynomial.hermite_e.hermegauss(60))
WEIGHTS = WEIGHTS / WEIGHTS.sum()  # sums over NODES are expectations under N(0, 1)
random = lambda *shape, seed=0: torch.randn(*shape, generator=rng(seed), dtype=torch.float64)
# some denoiser that depends on both
wavy = lambda x, t: torch.sin(3 * x + 0.01 * t.view(-1, *[1] * (x.ndim - 1)))


def theirs(kind, T=1000, **options):
    """diffusers' scheduler, whose t is one less than ours. Its betas are compared below; here they
    are ours, since it has them in float32, where α_T = 1 − 0.999 keeps four digits only."""
    scheduler = DDPMScheduler(T, beta_schedule=kind, clip_sample=options.pop("clip", False),
                              **options)
    scheduler.betas = KINDS[kind](T).beta[1:]
    scheduler.alphas = 1 - scheduler.betas
    scheduler.alphas_cumprod = scheduler.alphas.cumprod(0)
    return scheduler


@pytest.mark.parametrize("kind", KINDS)
def test_schedules_agree_with_diffusers(kind):
    ours, other = KINDS[kind](), DDPMScheduler(1000, beta_schedule=kind)
    assert ours.beta.shape == (1001,) and ours.beta[0] == 0
    assert ours.alpha[0] == ours.alpha_bar[0] == 1
    for mine, there in ((ours.beta, other.betas), (ours.alpha, other.alphas),
                        (ours.alpha_bar, other.alphas_cumprod)):
        assert (mine[1:] - there).abs().max() < 1e-5
    variance = torch.stack([theirs(kind)._get_variance(t) for t in range(1000)])
    assert (ours.posterior_variance[1:] - variance).abs().max() < 1e-5
    assert ours.posterior_variance[1] == 0
    assert torch.allclose(ours.snr[1:], ours.alpha_bar[1:] / (1 - ours.alpha_bar[1:]))
    assert ours.snr[0] == math.inf


@pytest.mark.parametrize("kind", KINDS)
def test_noising_and_targets_agree_with_diffusers(kind):
    ours, other = KINDS[kind](), theirs(kind)
    t = torch.tensor([1, 2, 500, 999, 1000])
    x_0, eps = random(5, 1, 4, 4), random(5, 1, 4, 4, seed=1)
    assert (q_sample(ours, x_0, t, eps) - other.add_noise(x_0, eps, t - 1)).abs().max() < 1e-5
    assert (v_from_eps(ours, eps, x_0, t) - other.get_velocity(x_0, eps, t - 1)).abs().max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("predicts", ["epsilon", "sample", "v_prediction"])
def test_each_parameterisation_gives_the_posterior_mean_of_diffusers(kind, predicts):
    ours, other = KINDS[kind](), theirs(kind, prediction_type=predicts)
    x_t, out = random(3, 2), random(3, 2, seed=1)
    for t in (1, 2, 300, 1000):
        step = other.step(out, t - 1, x_t, generator=rng(5))
        z = random(3, 2, seed=5) if t > 1 else 0
        x_0 = {"epsilon": x_0_from_eps, "v_prediction": x_0_from_v, "sample": lambda s, o, x,
               t: o}[predicts](ours, out, x_t, t)
        mean = posterior_mean(ours, x_0, x_t, t)
        # x_0 from ε is up to 1/√ᾱ_T times as large as x_t
        size = 1e-5 * step.pred_original_sample.abs().max().clamp(min=1)
        assert (x_0 - step.pred_original_sample).abs().max() < size
        assert (mean + ours.posterior_variance[t].sqrt() * z - step.prev_sample).abs().max() < size


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", ["fixed_small", "fixed_large"])
@pytest.mark.parametrize("clip", [False, True])
def test_algorithm_2_agrees_with_diffusers_from_T_to_0(kind, size, clip):
    T = 40
    ours, other = KINDS[kind](T), theirs(kind, T, variance_type=size, clip=clip)
    x_T, shared = random(4, 3), rng(7)
    x = x_T
    for t in range(T - 1, -1, -1):
        x = other.step(wavy(x, torch.tensor([t + 1])), t, x, generator=shared).prev_sample
    variance = {"fixed_small": ours.posterior_variance, "fixed_large": None}[size]
    mine = ddpm.ddpm_sample(wavy, ours, x_T, variance=variance, clip=clip, generator=rng(7))
    assert (mine - x).abs().max() < 1e-5 * x.abs().max().clamp(min=1)


def test_T_single_steps_compose_to_the_marginal():
    slope, var = 1.0, 0.0
    for t in range(1, SHORT.T + 1):
        slope, var = math.sqrt(1 - SHORT.beta[t]) * slope, (1 - SHORT.beta[t]) * var + SHORT.beta[t]
        start, on_x_0 = line(lambda x_0, t=t: q_sample(SHORT, x_0, t, torch.zeros_like(x_0)))
        start_eps, on_eps = line(lambda eps, t=t: q_sample(SHORT, torch.zeros_like(eps), t, eps))
        assert start == start_eps == 0 and on_x_0 == pytest.approx(slope, abs=1e-12)
        assert on_eps ** 2 == pytest.approx(var.item(), abs=1e-12)


def test_the_forward_chain_walks_through_the_marginals():
    n = 40_000
    x_0 = torch.full((n, 1), 1.5, dtype=torch.float64)
    path = forward_chain(SHORT, x_0, generator=rng())
    assert path.shape == (SHORT.T + 1, n, 1) and torch.equal(path[0], x_0)
    var = (1 - SHORT.alpha_bar[1:]).view(-1, 1)
    # 5 standard errors
    assert ((path[1:].mean(1) - 1.5 * SHORT.alpha_bar[1:, None].sqrt()).abs() < 5
            * (var / n).sqrt()).all()
    # a variance's is σ² √(2/n)
    assert ((path[1:].var(1) - var).abs() < 5 * var * math.sqrt(2 / n)).all()
    between = ((path[2] - 1.5 * SHORT.alpha_bar[2].sqrt())
               * (path[1] - 1.5 * SHORT.alpha_bar[1].sqrt())).mean()
    expected = SHORT.alpha[2].sqrt() * (1 - SHORT.alpha_bar[1])  # Cov(x_1, x_2) = √α_2 Var x_1
    assert (between - expected).abs() < 5 * math.sqrt(2 / n)  # both variances are below 1


@pytest.mark.parametrize("t", range(2, 7))
def test_the_posterior_is_bayes_rule_on_the_joint_gaussian(t):
    # Given x_0: x_{t−1} = √ᾱ' x_0 + √(1 − ᾱ') a and x_t = √α x_{t−1} + √β b, jointly Gaussian;
    # regress the first on the second.
    bar_prev, alpha, beta = SHORT.alpha_bar[t - 1], SHORT.alpha[t], SHORT.beta[t]
    var, covariance = 1 - bar_prev, alpha.sqrt() * (1 - bar_prev)
    var_t = alpha * (1 - bar_prev) + beta
    x_0, x_t = random(20, 1), random(20, 1, seed=1)
    mean = bar_prev.sqrt() * x_0 + covariance / var_t * (x_t - (alpha * bar_prev).sqrt() * x_0)
    assert (posterior_mean(SHORT, x_0, x_t, t) - mean).abs().max() < 1e-12
    assert (SHORT.posterior_variance[t] - (var - covariance ** 2 / var_t)).abs() < 1e-12


def test_no_slot_of_a_schedule_holds_what_is_no_number():
    for schedule in (SHORT, linear(1000), cosine(1000), NoiseSchedule([0.5]),
                     cosine(40).respace(7)):
        for values in (schedule.beta, schedule.alpha, schedule.alpha_bar,
                       schedule.posterior_variance):
            assert torch.isfinite(values).all() and len(values) == schedule.T + 1
        assert torch.isfinite(schedule.snr[1:]).all() and schedule.snr[0] == math.inf


def test_at_t_1_the_posterior_is_x_0_itself():
    x_0, x_1 = random(5, 2), random(5, 2, seed=1)
    assert torch.allclose(posterior_mean(SHORT, x_0, x_1, 1), x_0, atol=1e-14, rtol=0)


def test_eps_x_0_and_v_are_one_prediction_in_three_forms():
    t = torch.arange(1, 7)
    x_0, eps = random(6, 1, 2, 2), random(6, 1, 2, 2, seed=1)
    x_t, v = q_sample(SHORT, x_0, t, eps), v_from_eps(SHORT, eps, x_0, t)
    for found, expected in ((x_0_from_eps(SHORT, eps, x_t, t), x_0),
                            (eps_from_x_0(SHORT, x_0, x_t, t), eps),
                            (x_0_from_v(SHORT, v, x_t, t), x_0),
                            (eps_from_v(SHORT, v, x_t, t), eps)):
        assert (found - expected).abs().max() < 1e-12
    # (x_t, v) is (x_0, ε), turned by an angle
    assert torch.allclose(x_t ** 2 + v ** 2, x_0 ** 2 + eps ** 2)


def test_the_two_forms_of_the_reverse_mean_agree():
    t = torch.arange(1, 7)
    x_t, eps = random(6, 3), random(6, 3, seed=1)
    mean = posterior_mean(SHORT, x_0_from_eps(SHORT, eps, x_t, t), x_t, t)
    assert (reverse_mean(SHORT, eps, x_t, t) - mean).abs().max() < 1e-12


@pytest.mark.parametrize("name", ["beta", "posterior_variance"])
def test_algorithm_2_follows_the_exact_recursion_of_its_chain(name):
    schedule = cosine(20)
    variance, marginal = getattr(schedule, name), schedule.alpha_bar * S2 + 1 - schedule.alpha_bar
    mean, var = 0.0, 1.0
    # with the exact ε the mean is E[x_{t−1} | x_t]: regress it on x_t
    for t in range(schedule.T, 0, -1):
        slope = schedule.alpha[t].sqrt() * marginal[t - 1] / marginal[t]
        mean = (schedule.alpha_bar[t - 1].sqrt() * M
                + slope * (mean - schedule.alpha_bar[t].sqrt() * M))
        var = slope ** 2 * var + (variance[t] if t > 1 else 0)
    sample = lambda x_T, generator: ddpm.ddpm_sample(exact_eps(schedule), schedule, x_T,
                                                     variance=variance, generator=generator)
    assert law(sample, schedule.T - 1) == pytest.approx((mean.item(), var.item()), abs=1e-9)


def test_algorithm_2_with_bars_everywhere_loses_the_variance():
    """The slide's line 4 has ᾱ_t where the paper has α_t: its mean is the predicted x_0 itself."""
    schedule, ratios = linear(1000), {}
    t = torch.arange(1, 1001)
    bar = schedule.alpha_bar[1:, None]
    for s2 in (0.01, 0.1, 0.25, 1.0, 4.0):
        eps = exact_eps(schedule, 1.0, s2)
        paper = lambda x, eps=eps: reverse_mean(schedule, eps(x, t), x, t)
        slide = lambda x, eps=eps: (x - (1 - bar) / (1 - bar).sqrt() * eps(x, t)) / bar.sqrt()
        x = torch.zeros(1000, 1, dtype=torch.float64)
        # of all steps, (1000, 2)
        slopes = torch.cat([mean(x + 1) - mean(x) for mean in (paper, slide)], 1)
        var = torch.ones(2, dtype=torch.float64)
        for step in range(1000, 0, -1):
            var = slopes[step - 1] ** 2 * var + (schedule.beta[step] if step > 1 else 0)
        ratios[s2] = (var / s2).tolist()
    assert all(0.995 < right < 1.02 for right, _ in ratios.values())
    assert all(0.04 < slide < 0.126 for s2, (_, slide) in ratios.items() if s2 < 4)
    assert ratios[4.0][1] > 1e6


def test_a_denoiser_is_told_the_times_that_it_was_trained_with():
    seen = []
    model = lambda x, t: (seen.append(t), torch.zeros_like(x))[1]
    ddpm.ddpm_sample(model, linear(10).respace([2, 5, 10]), random(3, 1), generator=rng())
    assert [t.tolist() for t in seen] == [[10] * 3, [5] * 3, [2] * 3]
    assert all(t.dtype == torch.int64 for t in seen)


def test_a_sub_sequence_keeps_alpha_bar():
    short = linear(1000).respace([7, 100, 101, 1000])
    assert torch.equal(short.times, torch.tensor([0, 7, 100, 101, 1000])) and short.T == 4
    assert short.trained_T == 1000
    assert torch.allclose(short.alpha_bar, linear(1000).alpha_bar[short.times], rtol=1e-14)
    assert torch.allclose(short.alpha.cumprod(0), short.alpha_bar)
    even = linear(1000).respace(3)
    assert even.times.tolist() == [0, 333, 666, 1000]
    assert even.respace([1, 3]).times.tolist() == [0, 333, 1000]
    whole = linear(1000).respace(1000)
    assert torch.equal(whole.times, torch.arange(1001))
    assert torch.allclose(whole.beta, linear(1000).beta, atol=1e-12)


def test_kl_of_gaussians_against_quadrature():
    mean_1, var_1 = random(8), random(8, seed=1).exp()
    mean_2, var_2 = random(8, seed=2), random(8, seed=3).exp()
    normal = lambda mean, var: torch.distributions.Normal(mean, var.sqrt())
    x = mean_1 + var_1.sqrt() * NODES[:, None]  # exact: the log-ratio is a polynomial of degree 2
    ratio = normal(mean_1, var_1).log_prob(x) - normal(mean_2, var_2).log_prob(x)
    assert (gaussian_kl(mean_1, var_1, mean_2, var_2)
            - (WEIGHTS[:, None] * ratio).sum(0)).abs().max() < 1e-10
    assert gaussian_kl(mean_1, var_1, mean_1, var_1).abs().max() < 1e-15


LEVELS = (2 * torch.arange(256, dtype=torch.float64) / 255 - 1)[:, None]


@pytest.mark.parametrize("mean, std",
                         [(0.0, 0.5), (0.3, 0.003), (-1.0, 0.1), (0.999, 0.02), (5.0, 0.1),
                          (0.0, 30.0)])
def test_the_probabilities_of_the_256_values_sum_to_1(mean, std):
    log_prob = decoder_log_prob(LEVELS, torch.full_like(LEVELS, mean),
                                torch.full_like(LEVELS, std ** 2))
    # 256 · 1e-12 is clamped
    assert torch.isfinite(log_prob).all()
    assert log_prob.exp().sum().item() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("mean", [0.1, -0.1])
def test_the_decoder_is_right_in_float32_far_from_the_mean(mean):
    mean_64, var = torch.full_like(LEVELS, mean), torch.full_like(LEVELS, 0.15 ** 2)
    log_cdf = lambda x: torch.special.log_ndtr((x - mean_64) / 0.15)
    sign = torch.where(LEVELS > mean_64, -1, 1)  # mirrored, so that both ends lie in the left tail
    ends = [sign * (LEVELS - mean_64) + side / 255 + mean_64 for side in (1, -1)]
    exact = log_cdf(ends[0]) + torch.log(-torch.expm1(log_cdf(ends[1]) - log_cdf(ends[0])))
    inner = slice(1, 255)
    far = (exact > math.log(1e-11))[inner]  # below 1e-12 the library clamps, and says so
    found = decoder_log_prob(LEVELS.float(), mean_64.float(), var.float()).double()
    # A value's end, (x − μ ± 1/255)/σ, carries a rounding error of about 1e-6, times a slope of up
    # to 7 per unit, twice over the bin's share: the log of a bin whose ends differ by 0.05 σ is
    # right to about 1e-3.
    assert far.sum() > 200 and (found - exact)[inner][far].abs().max() < 5e-3
    wide = decoder_log_prob(LEVELS.float() * 0 + 0.5, torch.full((256, 1), -50.0).requires_grad_(),
                            torch.ones(256, 1))
    assert torch.isfinite(wide).all()


def expected_terms(schedule, eps, x_0):
    """E[L_0], …, E[L_{T−1}], each (len(x_0),), by quadrature over ε."""
    grid, draws = x_0.repeat_interleave(60, 0), NODES.repeat(len(x_0))[:, None]
    terms = [bound_term(eps, schedule, grid, torch.full((len(grid),), t), draws)
             for t in range(1, schedule.T + 1)]
    return (torch.stack(terms).view(schedule.T, len(x_0), 60) * WEIGHTS).sum(2)


def test_the_terms_of_the_bound_weigh_the_error_of_x_0_by_the_fall_of_the_SNR():
    # E L_{t−1} = ½ (SNR(t−1) − SNR(t)) E(x_0 − x̂_0)²    Kingma et al. 2021
    schedule, x_0 = cosine(12), LEVELS[::32]
    bar, snr = schedule.alpha_bar[:, None], schedule.snr
    slope = bar.sqrt() * S2 / (bar * S2 + 1 - bar)                   # of x̂_0 = E[x_0 | x_t] in x_t
    error = ((1 - slope * bar.sqrt()) * (M - x_0.T)) ** 2 + slope ** 2 * (1 - bar)
    expected = 0.5 * (snr[1:-1] - snr[2:])[:, None] * error[2:]
    assert torch.allclose(expected_terms(schedule, exact_eps(schedule), x_0)[1:], expected,
                          rtol=1e-9)


@pytest.mark.parametrize("T", [10, 100])
def test_the_bound_lies_above_the_likelihood_and_meets_it_where_its_variance_is_right(T):
    schedule, mean, gaps = cosine(T), LEVELS[140].item(), []
    # σ² = β̃ is the step back's variance where the data are one point
    for var in (0.09, 1e-3, 1e-6):
        eps, m, v = exact_eps(schedule, mean, var), 0.0, 1.0
        for t in range(T, 0, -1):  # the law of p_θ, whose last step has the decoder's variance β̃_2
            step = lambda x, t=t, eps=eps: reverse_mean(schedule, eps(x, torch.tensor([t])), x, t)
            at_0, slope = line(step)
            m, v = at_0 + slope * m, slope ** 2 * v + schedule.posterior_variance[max(t, 2)].item()
        # beyond, the clamped decoder is no Gaussian
        near = LEVELS[(LEVELS - mean).abs().squeeze(1) < 3 * max(math.sqrt(var), 0.5 / 255)]
        nll = -decoder_log_prob(near, torch.full_like(near, m), torch.full_like(near, v)).squeeze(1)
        gap = expected_terms(schedule, eps, near).sum(0) + prior_term(schedule, near) - nll
        assert (gap > -1e-6).all()
        gaps.append(gap[(near == mean).squeeze(1)].item())
    assert gaps[0] > gaps[1] > gaps[2] and gaps[2] < 1e-3


def test_bound_terms_are_the_terms_with_one_draw_each():
    schedule, x_0 = cosine(8), LEVELS[::50].float()
    eps, again = exact_eps(schedule), rng(3)
    terms = bound_terms(eps, schedule, x_0, generator=rng(3))
    assert terms.shape == (9, len(x_0)) and torch.equal(terms[-1], prior_term(schedule, x_0))
    for t in range(1, 9):
        draw = noise_like(x_0, again)
        assert torch.equal(terms[t - 1],
                           bound_term(eps, schedule, x_0, torch.full((len(x_0),), t), draw))
    both = bound_term(eps, schedule, x_0.expand(-1, 3), torch.full((len(x_0),), 4),
                      draw.expand(-1, 3))
    one = bound_term(eps, schedule, x_0, torch.full((len(x_0),), 4), draw)
    assert torch.allclose(both, 3 * one, rtol=1e-5)  # a sum over dimensions, not a mean


def test_the_bound_on_a_sub_sequence_tells_the_network_its_own_times():
    seen = []
    model = lambda x, t: (seen.append(t[0].item()), torch.zeros_like(x))[1]
    bound_terms(model, linear(10).respace([2, 5, 10]), torch.zeros(1, 1), generator=rng())
    assert sorted(seen) == [2, 5, 10]


@pytest.mark.parametrize("t", [1, 5, 9])
def test_the_exact_eps_has_the_least_simple_loss(t):
    n, schedule = 100_000, cosine(10)
    x_0, noise, times = M + math.sqrt(S2) * random(n, 1), random(n, 1, seed=1), torch.full((n,), t)
    exact, bar = exact_eps(schedule), schedule.alpha_bar[t].item()
    least = bar * S2 / (bar * S2 + 1 - bar)                          # Var(ε | x_t)
    loss = lambda model: ddpm.simple_loss(model, schedule, x_0, times, noise).item()
    # a mean of squares of a Gaussian: 5 standard errors
    assert abs(loss(exact) - least) < 5 * least * math.sqrt(2 / n)
    for a, b in ((0.8, 0.0), (1.2, 0.0), (1.0, 0.1)):
        assert loss(lambda x, t: a * exact(x, t) + b) > loss(exact)              # noqa: B023


def test_times_are_drawn_uniformly():
    schedule = linear(10)
    torch.manual_seed(0)
    for n in (1, 3, 64):
        counts = torch.bincount(torch.cat([schedule.draw(n) for _ in range(6_000 // n)]),
                                minlength=11)
        expected = counts.sum() / 10
        assert counts[0] == 0 and len(counts) == 11
        assert ((counts[1:] - expected).abs() < 5 * expected.sqrt()).all()
    assert sorted(schedule.draw(10).tolist()) == list(range(1, 11))


@pytest.mark.parametrize("n", [1, 7, 64])
def test_draws_from_another_law_lie_in_equal_parts_of_it(n):
    schedule, q = cosine(30), torch.rand(30, dtype=torch.float64, generator=rng()) ** 4
    q[3] = 0
    q /= q.sum()
    torch.manual_seed(0)
    for _ in range(200):
        t = schedule.draw(n, q)
        assert t.shape == (n,) and t.min() >= 1 and t.max() <= 30 and (t != 4).all()
        # one draw in each n-th of the law: those up to t are all parts below F(t), and perhaps one
        below = torch.bincount(t, minlength=31)[1:].cumsum(0)
        assert ((below - n * q.cumsum(0)).abs() < 1 + 1e-6).all()


def test_most_training_of_the_digits_is_at_middle_times():
    q = middle_times(1000)
    assert q.sum().item() == pytest.approx(1) and q.argmax() + 1 == 600
    assert (q[599] / q[0]).item() == pytest.approx(21, rel=1e-2)
    model = digits_ddpm(widths=(8, 8))
    t = torch.cat([model.draw(torch.zeros(100, 1))[0] for _ in range(10)])
    share = ((t > 450) & (t <= 750)).float().mean().item()
    assert share == pytest.approx(q[450:750].sum().item(), abs=0.02 + 1e-6)  # two of each 100



def small(T=20, **options):
    torch.manual_seed(0)
    return ddpm.DDPM(TimeMLP(1, 32), linear(T, **options), (1,))


def test_a_ddpm_samples_reproducibly_with_its_average_and_learns():
    model = small(beta_T=0.4)
    data = M + math.sqrt(S2) * torch.randn(4096, 1, generator=rng())
    fit(model, batches(data, size=256), steps=300, lr=3e-3, ema=0.9, device="cpu")
    draw = lambda **named: model.sample(5, generator=torch.Generator().manual_seed(4), **named)
    assert torch.equal(draw(), draw())
    assert not torch.equal(draw(), model.sample(5, generator=rng(5)))
    with model.averaged():
        x_T = torch.randn(5, 1, generator=(again := rng(4)))
        by_hand = ddpm.ddpm_sample(model, model.schedule, x_T,
                                   variance=model.schedule.posterior_variance, clip=True,
                                   generator=again)
    assert torch.allclose(draw(), by_hand, atol=1e-5)
    model.ema = {key: torch.zeros_like(value) for key, value in model.ema.items()}
    assert not torch.allclose(draw(), by_hand, atol=1e-3) and draw(steps=3).shape == (5, 1)
    x_t = torch.linspace(-1, 2, 7)[:, None]
    with torch.no_grad():  # a check that it learns at all: ε's size is 1
        assert (model(x_t, torch.full((7,), 10))
                - exact_eps(model.schedule)(x_t, torch.full((7,), 10))).abs().mean() < 0.2


def test_the_elbo_of_a_ddpm_is_minus_the_bound_of_its_average():
    model = small()
    model.ema = {key: 0.5 * value for key, value in model.state_dict().items()}
    x = LEVELS[::60].float()
    value = model.elbo(x, generator=rng(1))
    with model.averaged():
        assert torch.equal(value, -bound_terms(model, model.schedule, x, generator=rng(1)).sum(0))


def busy(net):
    """The network with no weight at 0, as after training."""
    torch.manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            p.normal_(0, 0.1)
    return net.eval()


def test_clusters_are_a_fixed_point_of_lloyds_two_steps():
    x = digits().images[:300]
    y = clusters(x, 5)
    means = torch.stack([x[y == k].mean(0) for k in range(5)]).flatten(1)
    assert y.dtype == torch.int64 and y.shape == (300,) and set(y.tolist()) == set(range(5))
    # everybody is with the nearest mean
    assert torch.equal(torch.cdist(x.flatten(1), means).argmin(1), y)
    assert torch.equal(clusters(x, 5), y)


class Echo(nn.Module):
    """A model of classes whose samples are the class that was asked for."""

    def sample(self, n, *, y=None, steps=None, generator=None):
        self.steps = steps
        return torch.full((n,), -1) if y is None else torch.as_tensor(y).expand(n)


def test_a_mixture_draws_a_class_as_often_as_the_data_have_it():
    n, labels = 30_000, torch.tensor([0, 3, 3, 3, 7, 7])
    mixture = MixtureOverClasses(Echo(), labels, steps=5)
    counts = torch.bincount(mixture.sample(n, generator=rng()), minlength=8)
    for y, p in {0: 1 / 6, 3: 1 / 2, 7: 1 / 3}.items():
        assert abs(counts[y] - n * p) < 5 * math.sqrt(n * p * (1 - p))
    assert counts[[0, 3, 7]].sum() == n and mixture.model.steps == 5
    assert torch.equal(mixture.sample(9, generator=rng(1)), mixture.sample(9, generator=rng(1)))
    assert torch.equal(mixture.sample(2, y=7), torch.tensor([7, 7]))         # who asks is answered
    assert torch.equal(MixtureOverClasses(Echo(), None).sample(2), torch.tensor([-1, -1]))


@pytest.mark.parametrize("name", ["digits", "classes", "clusters"])
def test_shipped_weights_draw_what_they_are_asked_for(name):
    train = digits()
    y = {"digits": None, "classes": train.labels, "clusters": clusters(train.images)}[name]
    path = weights(f"diffusion_{name}")
    model = load(digits_ddpm(0 if y is None else int(y.max()) + 1), path)
    assert path.stat().st_size < 4e6
    asked = None if y is None else y[:100]
    x = model.sample(100, y=asked, steps=10, generator=rng())
    # 0.96 of real digits, none of Gaussian noise's
    sure = (classify(x).exp().amax(1) > 0.9).float().mean()
    assert sure > 0.6
    if name == "classes":
        assert (classify(x).argmax(1) == asked).float().mean() > 0.85            # 95 % of 2,000
    if name == "clusters":
        means = torch.stack([train.images[y == k].mean(0) for k in range(50)]).flatten(1)
        assert (torch.cdist(x.flatten(1), means).argmin(1) == asked).float().mean() > 0.5


def test_the_digits_model_weights_eps_as_it_says_and_hides_one_class_in_ten():
    model = digits_ddpm(classes=10, widths=(8, 8), T=50)
    busy(model.net)
    x_0 = torch.randn(64, 1, 28, 28, generator=rng()).clamp(-1, 1)
    torch.manual_seed(1)
    loss = model.loss(x_0, "model")
    torch.manual_seed(1)
    t, eps = model.draw(x_0)
    snr = model.schedule.snr[t].float().view(-1, 1, 1, 1)
    error = (eps - model(q_sample(model.schedule, x_0, t, eps), t)).square()
    assert loss.item() == pytest.approx((snr.clamp(1, 5) / snr * error).mean().item(), rel=1e-3)

    class Spy(nn.Module):
        classes = 10

        def forward(self, x, t, y):
            self.seen = y
            return 0 * x
    model.net = Spy()
    y = torch.arange(10).repeat(1000)
    torch.manual_seed(0)
    model.loss((torch.zeros(10_000, 1, 1, 1), y), "model")
    hidden = model.net.seen != y
    # √(n p (1 − p)) = 30
    assert (model.net.seen[hidden] == 10).all() and abs(hidden.sum().item() - 1000) < 5 * 30


class Linear(nn.Module):
    """A reverse chain's network that is linear in x_t: other numbers at each t."""

    def forward(self, x, t):
        a, b = torch.sin(t.to(x))[:, None], torch.cos(2.0 * t.to(x))[:, None]
        return torch.cat([a * x + 0.1 * b, b.expand_as(x)], 1)


class Exact(nn.Module):
    """The network that gives the chain the true step back of data N(M, S2): E[x_0 | x_t] as v, and
    Var(x_{t−1} | x_t)."""

    def __init__(self, schedule):
        super().__init__()
        self.schedule, self.range = schedule, ReverseChain(nn.Identity(), schedule).log_range

    def forward(self, x, t):
        eps, alpha_bar_prev = exact_eps(self.schedule)(x, t), self.schedule.alpha_bar[t[0] - 1]
        marginal = alpha_bar_prev * S2 + 1 - alpha_bar_prev
        v = v_from_eps(self.schedule, eps, x_0_from_eps(self.schedule, eps, x, t), t)
        # precisions add: prior and x_t
        var = 1 / (1 / marginal + self.schedule.alpha[t[0]] / self.schedule.beta[t[0]])
        low, high = self.range[:, t[0]]
        return torch.cat([v, torch.logit((var.log() - low) / (high - low)).expand_as(x)], 1)


def chain_law(chain, last):
    m, v = 0.0, 1.0
    for t in range(chain.schedule.T, 0, -1):
        at_0, slope = line(lambda x: chain.step(x, t)[0])                        # noqa: B023
        fresh = chain.step(torch.zeros(1, 1, dtype=torch.float64), t)[1].item()
        m, v = at_0 + slope * m, slope ** 2 * v + (fresh if t > 1 or last else 0)
    return m, v


@pytest.mark.parametrize("net", [lambda schedule: Linear(), Exact], ids=["some", "exact"])
def test_the_chain_of_2015_lies_below_its_own_likelihood_and_meets_it_where_it_is_exact(net):
    schedule = cosine(12)
    chain = ReverseChain(net(schedule), schedule, (1,))
    m, v = chain_law(chain, last=True)
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    log_p = torch.distributions.Normal(m, math.sqrt(v)).log_prob(x).squeeze(1)
    grid, eps = x.repeat_interleave(60, 0), NODES.repeat(9)[:, None]
    terms = torch.stack([(chain.term(grid, torch.full((len(grid),), t), eps).view(9, 60)
                          * WEIGHTS).sum(1) for t in range(1, 13)])
    # the elbo's expectation, exactly: its terms are quadratic in ε
    expected = -terms.sum(0) - prior_term(chain.schedule, x)
    if isinstance(chain.net, Exact):
        assert (m, v) == pytest.approx((M, S2), abs=1e-3)  # x_T's law is N(0, 1) up to ᾱ_T
        assert (expected < log_p + 1e-9).all() and (log_p - expected).max() < 1e-3
    else:
        assert (expected < log_p - 0.01).all()
    draws = chain.elbo(x.repeat(400, 1), generator=rng()).view(400, 9)
    assert ((draws.mean(0) - expected).abs() < 5 * draws.std(0) / 20 + 1e-6).all()
    torch.manual_seed(0)
    # T times a random term has the mean of the sum without L_T
    if not isinstance(chain.net, Exact):
        losses = torch.stack([chain.loss(x, "model") for _ in range(400)])
        assert (losses.mean() - terms.sum(0).mean()).abs() < 5 * losses.std() / 20


def test_the_chain_of_2015_bounds_variances_and_samples_its_own_recursion():
    chain = ReverseChain(Linear(), cosine(12), (1,))
    for t in range(2, 13):
        var = chain.step(random(3, 1), t)[1]
        assert (var >= chain.schedule.posterior_variance[t] - 1e-12).all()
        assert (var <= chain.schedule.beta[t] + 1e-12).all()
    assert chain.path(random(3, 1), generator=rng()).shape == (13, 3, 1)
    end = law(lambda x_T, generator: chain.path(x_T, generator=generator)[-1], 11)
    # the last step gives its mean
    assert end == pytest.approx(chain_law(chain, last=False), abs=1e-9)


def test_the_chain_of_2015_samples_reproducibly_and_knows_no_class():
    model = ReverseChain(TimeMLP(2, 16, out=4), cosine(5))
    assert torch.equal(model.sample(3, generator=rng()), model.sample(3, generator=rng()))
    assert model.sample(3).shape == (3, 2)
    with pytest.raises(ValueError, match="unconditional"):
        model.sample(3, y=torch.zeros(3, dtype=torch.int64))


def test_networks_start_at_0_and_have_the_promised_shapes():
    x, t = torch.randn(3, 1, 28, 28, generator=rng()), torch.tensor([1, 500, 1000])
    assert torch.equal(UNet()(x, t), torch.zeros_like(x))
    assert UNet(3, (8, 16), out=6)(torch.zeros(2, 3, 32, 16), t[:2]).shape == (2, 6, 32, 16)
    assert PlacedUNet()(x, t).abs().max() == 0
    assert TimeMLP(2, 8)(torch.zeros(3, 2), t).shape == (3, 2)
    assert TimeMLP(2, 8, out=5)(torch.zeros(3, 2), t).shape == (3, 5)


def test_the_embedding_tells_all_times_apart():
    net = TimeEmbedding(64, 1)
    net.net = nn.Sequential(nn.Linear(64, 64))
    nn.init.eye_(net.net[0].weight), nn.init.zeros_(net.net[0].bias)
    e = net(torch.arange(1, 1001)).double()
    # sin² + cos², 32 times
    assert torch.allclose(e.square().sum(1), torch.tensor(32.0, dtype=torch.float64), rtol=1e-4)
    assert (torch.cdist(e, e) + 1e9 * torch.eye(1000)).min() > 0.5


def test_only_the_placed_network_tells_places_apart():
    """Inside of a picture of one grey, what convolutions and attention give is one pattern that
    repeats every 4 pixels, wherever the border does not reach."""
    middle = slice(40, 56)
    def differs(net):
        with torch.no_grad():
            y = net(torch.full((1, 1, 96, 96), 0.3), torch.tensor([5]))[0, 0, middle, middle]
        return (y[4:] - y[:-4]).abs().max().item()
    plain, placed = busy(UNet(1, (8, 8))), busy(PlacedUNet(1, (8, 8), size=96))
    placed.load_state_dict(plain.state_dict(), strict=False)
    nn.init.zeros_(placed.shrink[2].map)
    assert differs(plain) < 1e-4 and differs(placed) < 1e-4
    nn.init.normal_(placed.shrink[2].map)
    assert differs(placed) > 0.01


def test_the_unet_treats_each_image_alone():
    net = busy(UNet(1, (8, 16), classes=10))
    x = torch.randn(5, 1, 28, 28, generator=rng())
    t, y = torch.tensor([1, 30, 500, 999, 1000]), torch.tensor([0, 3, 9, 10, 3])
    with torch.no_grad():
        whole = net(x, t, y)
        alone = torch.cat([net(x[i:i + 1], t[i:i + 1], y[i:i + 1]) for i in range(5)])
        assert torch.allclose(whole, alone, atol=1e-5) and whole.std() > 0.01
        # no class is the class "none"
        assert torch.allclose(net(x, t), net(x, t, torch.full((5,), 10)), atol=1e-6)
        assert torch.allclose(net(x, t, 4), net(x, t, torch.full((5,), 4)), atol=1e-6)
        for other in (net(x, t, 3), net(x, t.flip(0), 4), net(x.roll(4, 3), t, 4)):
            assert (other - net(x, t, 4)).abs().amax((1, 2, 3))[[0, 1, 3, 4]].min() > 1e-4


def test_attention_sees_a_set_of_places():
    layer = busy(Attention(16))
    h, order = torch.randn(2, 16, 5, 5, generator=rng()), torch.randperm(25, generator=rng(1))
    shuffle = lambda h: h.flatten(2)[:, :, order].view_as(h)
    with torch.no_grad():
        assert torch.allclose(layer(shuffle(h)), shuffle(layer(h)), atol=1e-5)
        assert (layer(h) - h).abs().max() > 1e-2
    layer = Attention(16)
    assert torch.equal(layer(h), h)


@pytest.mark.parametrize("t, error, says", [
    (torch.tensor([1.0]), TypeError, "int64.*float32"),
    (torch.tensor([True]), TypeError, "int64.*bool"), (1.5, TypeError, "float"),
    (True, TypeError, "bool"), (0, ValueError, "1 … 6.*no noise"), (7, ValueError, "1 … 6"),
    (torch.tensor([1, 0, 3]), ValueError, "1 … 6"),
    (torch.tensor([1, 2]), ValueError, "2 times do not fit a batch of 3"),
])
@pytest.mark.parametrize("f", [
    q_sample, posterior_mean, reverse_mean, x_0_from_eps, eps_from_x_0, v_from_eps, x_0_from_v,
    eps_from_v], ids=lambda f: f.__name__)
def test_a_wrong_t_is_refused(f, t, error, says):
    x = torch.zeros(3, 2)
    with pytest.raises(error, match=says):
        f(SHORT, x, t, x) if f is q_sample else f(SHORT, x, x, t)


@pytest.mark.parametrize("beta", [[0.0, 0.1], [0.1, 1.0], [0.1, -0.1], [float("nan")], [], [[0.1]]])
def test_a_wrong_schedule_is_refused(beta):
    with pytest.raises(ValueError, match="between 0 and 1"):
        NoiseSchedule(beta)


@pytest.mark.parametrize("steps, says", [
    (0, "1 … T = 6"), (7, "1 … T = 6"), (-1, "1 … T = 6"), ([], "must increase"),
    ([2, 2], "must increase"), ([3, 1], "must increase"), ([0, 3], "must increase"),
    ([3, 7], "must increase"), (2.5, "steps"), ([1.5, 3.0], "whole|increase"),
])
def test_a_wrong_sub_sequence_is_refused(steps, says):
    with pytest.raises((ValueError, TypeError), match=says):
        SHORT.respace(steps)


def test_a_schedule_of_another_T_and_numbers_that_are_not_finite_are_refused():
    model, x = small(20), torch.zeros(2, 1)
    with pytest.raises(ValueError, match="T = 20.*T = 6"):
        ddpm.ddpm_sample(model, SHORT, x)
    with pytest.raises(ValueError, match="T = 20.*T = 6"):
        bound_terms(model, SHORT, x)
    ddpm.ddpm_sample(model, linear(20).respace(3), x)
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="x_T must hold finite"):
            ddpm.ddpm_sample(model, model.schedule, x + bad)
        with pytest.raises(ValueError, match="x_0 must hold finite"):
            q_sample(SHORT, x + bad, 1, x)
        with pytest.raises(ValueError, match="x_0 must hold finite"):
            model.elbo(x + bad)
    with pytest.raises(ValueError, match="finite floating-point"):
        ddpm.ddpm_sample(model, model.schedule, torch.zeros(2, 1, dtype=torch.int64))


@pytest.mark.parametrize("steps", [0, 21, -1])
def test_a_model_refuses_steps_that_do_not_exist(steps):
    with pytest.raises(ValueError, match="1 … T = 20"):
        small(20).sample(1, steps=steps)


def test_a_class_that_does_not_exist_is_refused():
    x, t = torch.zeros(2, 1, 28, 28), torch.tensor([1, 2])
    net = UNet(1, (8, 8), classes=10)
    for y in (11, -1, torch.tensor([0, 11])):
        with pytest.raises(ValueError, match="0 … 9"):
            net(x, t, y)
    with pytest.raises(TypeError, match="whole numbers"):
        net(x, t, torch.tensor([0.0, 1.0]))
    with pytest.raises(ValueError, match="no classes"):
        UNet(1, (8, 8))(x, t, 3)
    with pytest.raises(ValueError, match="no class"):
        digits_ddpm(widths=(8, 8), T=5).sample(2, y=torch.tensor([1, 2]))
    with pytest.raises(ValueError, match="0 … 9"):
        digits_ddpm(10, widths=(8, 8), T=5).sample(2, y=torch.tensor([1, 12]))
    with pytest.raises(ValueError, match="class"):
        small(5).sample(2, y=torch.tensor([1, 2]))
