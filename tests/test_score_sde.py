"""Song et al. 2021: of Gaussian data the score is known at all times, and with it all that an ODE
and an SDE must make of it."""
import math

import pytest
import torch
from gaussian import S2, M, rng
from torch import nn

from course_lib.core import load, noise_like
from course_lib.data import digits
from course_lib.diffusion.schedule import linear
from course_lib.diffusion.score_sde import (
    ScoreSDE,
    matching_loss,
    probability_flow,
    reverse_sde,
)
from course_lib.diffusion.vp_sde import VPSDE
from course_lib.ebm.ncsn import column
from course_lib.evaluate import bits_per_dim, classify
from course_lib.likelihood.dequantisation import dequantise
from course_lib.likelihood.divergence import (
    exact,
    hutchinson,
    rademacher_like,
    solve,
    standard_normal,
)
from course_lib.recipes import weights
from course_lib.recipes.continuous import digits_score_sde

SDE = VPSDE()
DOUBLE = torch.float64


def at(t):
    return torch.as_tensor(t, dtype=DOUBLE)


def marginal(t, mean=M, var=S2):
    """Mean and variance of x(t) of data N(mean, var)."""
    alpha, sigma = SDE.kernel(at(t))
    return alpha * mean, alpha**2 * var + sigma**2


def exact_score(x, t):
    mean, var = (column(values, x) for values in marginal(t))
    return (mean - x) / var


def log_normal(x, mean, var):
    return (-0.5 * (x - mean)**2 / var - 0.5 * (2 * math.pi * var).log()).flatten(1).sum(1)


def test_the_kernel_is_that_of_the_sde_and_keeps_the_variance():
    """dα²/dt = −βα² and α² + σ² = 1 (Song et al. 2021, eqs. 11 and 29); central differences of
    h = 10⁻⁵ are off by h² times a third derivative below 10⁴."""
    t, h = torch.linspace(0.01, 0.99, 50, dtype=DOUBLE), 1e-5
    alpha, sigma = SDE.kernel(t)
    assert torch.allclose(alpha**2 + sigma**2, torch.ones_like(t), rtol=0, atol=1e-14)
    slope = (SDE.kernel(t + h)[0]**2 - SDE.kernel(t - h)[0]**2) / (2 * h)
    assert torch.allclose(slope, -SDE.beta(t) * alpha**2, rtol=0, atol=1e-6)
    assert torch.allclose(SDE.time(-2 * alpha.log()), t, rtol=1e-12)
    assert SDE.kernel(at(1e-5))[1] == pytest.approx(math.sqrt(1e-6), rel=1e-3)


@pytest.mark.parametrize("N", [1000, 10_000])
def test_ddpms_chain_is_the_sde_in_the_limit_of_many_steps(N):
    """β_i = β(i/N)/N (Song et al. 2021, Appendix B). −log(1 − β) = β + β²/2 + …, and the sum of β
    over a step is off by its slope's half: both at most β_max²/N in all."""
    schedule = linear(N, SDE.beta(at(1 / N)) / N, SDE.beta(at(1.0)) / N)
    t = torch.arange(1, N + 1, dtype=DOUBLE) / N
    gap = (schedule.alpha_bar[1:].log() - 2 * SDE.kernel(t)[0].log()).abs().max()
    assert 0 < gap < SDE.beta_max**2 / N


def test_times_are_even_in_the_angle_of_signal_and_noise():
    t = SDE.grid(1e-3, 20)
    alpha, sigma = SDE.kernel(t)
    step = torch.atan2(sigma, alpha).diff()
    assert t[0] == 1 and t[-1] == 1e-3
    assert torch.allclose(step, step.mean().expand(20), rtol=1e-9)


def test_no_score_has_a_smaller_matching_loss_than_the_exact_one():
    """It is E Var[z | x] there, α²s²/(α²s² + σ²), and δ² more where σs is off by δ. Moments of the
    draws are those of the law: each x_0 and z stands with both signs, scaled to variance 1."""
    n, t = 400, 0.3
    a, b = torch.randn(2, n, 1, dtype=DOUBLE, generator=rng())
    b -= a * (a * b).mean() / (a * a).mean()
    a, b = a / a.square().mean().sqrt(), b / b.square().mean().sqrt()
    x_0, z = M + math.sqrt(S2) * torch.cat([a, -a]), torch.cat([b, -b])
    alpha, sigma = SDE.kernel(at(t))
    loss = lambda delta: matching_loss(lambda x, t: exact_score(x, t) + delta / sigma, SDE, x_0,
                                       at(t).expand(2 * n), z).item()
    best = (alpha**2 * S2 / (alpha**2 * S2 + sigma**2)).item()
    assert loss(0.0) == pytest.approx(best, rel=1e-10)
    assert loss(0.1) == pytest.approx(best + 0.01, rel=1e-10)


@pytest.mark.parametrize("tolerance", [1e-5, 1e-8])
def test_the_odes_likelihood_is_the_gaussians(tolerance):
    """The solver's error is some steps' tolerances; log p(x(0)) = log p(x(1)) + ∫∇·f̃."""
    x = torch.randn(5, 1, 2, 3, dtype=DOUBLE, generator=rng())
    z, integral, nfe = solve(probability_flow(exact_score, SDE), x, torch.tensor([0.0, 1.0]),
                             divergence=exact, tolerance=tolerance)
    estimate = log_normal(z, *marginal(1.0)) + integral
    assert torch.allclose(estimate, log_normal(x, *marginal(0.0)), rtol=0, atol=100 * tolerance)
    assert nfe > 10


def test_the_ode_has_the_marginals_of_the_sde():
    """It carries a Gaussian on to a Gaussian: (x − mean)/std stays the same."""
    x = torch.randn(20, 3, dtype=DOUBLE, generator=rng())
    units = lambda x, t: (x - marginal(t)[0]) / marginal(t)[1].sqrt()
    for t in (0.01, 0.1, 0.5, 1.0):
        z, _, _ = solve(probability_flow(exact_score, SDE), x, at([0.0, t]), tolerance=1e-9)
        assert torch.allclose(units(z, t), units(x, 0.0), rtol=0, atol=1e-6)


def chain_law(times):
    """Mean and variance that Euler and Maruyama's steps have, by their recursion for linear s."""
    mean, var = 0.0, 1.0
    for t, after in zip(times[:-1], times[1:]):
        beta, dt, (m, v) = SDE.beta(t), after - t, marginal(t)
        slope = 1 + dt * (-0.5 * beta + beta / v)
        mean, var = slope * mean - dt * beta * m / v, slope**2 * var - beta * dt
    return mean, var


def test_the_reverse_sde_ends_at_the_data_in_the_limit_of_many_steps():
    """Its error falls as 1/n. The chain is linear in x_T and the noise: a run from given ones has
    the recursion's mean, where all noise is 0, and its spread over draws (5 standard errors)."""
    gaps = []
    for n in (250, 500, 1000):
        mean, var = chain_law(SDE.grid(1e-3, n))
        m, v = marginal(1e-3)
        gaps.append(abs(mean - m) + abs(var - v))
    assert gaps[2] < 0.02 and 1.7 < gaps[0] / gaps[1] < 2.3 and 1.7 < gaps[1] / gaps[2] < 2.3
    n, times = 20_000, SDE.grid(1e-3, 50)
    x = reverse_sde(exact_score, SDE, noise_like(torch.zeros(n, 1, dtype=DOUBLE), rng(1)), times,
                    generator=rng(2))
    mean, var = chain_law(times)
    assert abs(x.mean() - mean) < 5 * (var / n)**0.5
    assert abs(x.var() - var) < 5 * var * (2 / n)**0.5


def test_hutchinsons_estimate_is_right_in_the_mean_with_the_known_variance():
    """Over all 2^d e, not some: mean tr J, variance 2 ‖offdiag (J + Jᵀ)/2‖²."""
    d = 5
    J = torch.randn(d, d, dtype=DOUBLE, generator=rng())
    field = lambda x, t: x @ J.T
    signs = 2 * (torch.arange(2**d)[:, None] >> torch.arange(d) & 1).to(DOUBLE) - 1
    x = torch.zeros(2**d, d, dtype=DOUBLE)
    value, trace = exact(field, x + 1, at(0.0))
    assert torch.equal(value, field(x + 1, 0.0)) and torch.allclose(trace, J.trace().expand(2**d))
    _, estimates = hutchinson(signs)(field, x, at(0.0))
    offdiagonal = (J + J.T) / 2 - torch.diag(J.diag())
    assert estimates.mean().item() == pytest.approx(J.trace().item(), rel=1e-12)
    assert estimates.var(correction=0).item() == pytest.approx(
        2 * offdiagonal.square().sum().item(), rel=1e-12)


def test_hutchinsons_estimate_is_exact_where_the_jacobian_is_diagonal():
    x = torch.randn(3, 2, 2, 2, dtype=DOUBLE, generator=rng())
    e = rademacher_like(x, rng(1))
    assert set(e.unique().tolist()) == {-1.0, 1.0}
    _, trace = exact(lambda x, t: x**3 + t, x, at(1.0))
    _, estimate = hutchinson(e)(lambda x, t: x**3 + t, x, at(1.0))
    assert torch.allclose(trace, 3 * x.square().sum((1, 2, 3)), rtol=1e-12)
    assert torch.allclose(estimate, trace, rtol=1e-12)


def test_divergences_of_fields_without_slopes_and_what_is_left_behind():
    x = torch.randn(4, 3)
    for divergence in (exact, hutchinson(torch.ones(4, 3))):
        value, trace = divergence(lambda x, t: torch.ones_like(x), x, torch.tensor(0.0))
        assert torch.equal(value, torch.ones(4, 3)) and torch.equal(trace, torch.zeros(4))
    assert not x.requires_grad


@pytest.mark.parametrize("method, each", [("euler", 1), ("midpoint", 2), ("rk4", 4)])
def test_evaluations_are_counted(method, each):
    x, integral, nfe = solve(lambda x, t: -x, torch.ones(2, 1), torch.linspace(0, 1, 8),
                             method=method)
    assert nfe == 7 * each and torch.equal(integral, torch.zeros(2))


class Net(nn.Module):
    """A smooth field that is no gradient, of images 1×4×4, told t."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(16, 16)

    def forward(self, x, t, y=None):
        return (self.mix(x.flatten(1)) + t[:, None] / 1000).tanh().view_as(x)


def score_sde(**how):
    torch.manual_seed(0)
    return ScoreSDE(Net(), (1, 4, 4), **how).eval()


def test_what_is_encoded_is_decoded_to_the_same_image():
    """Solved there and back, in float64: each way is off by some steps' tolerances."""
    model = score_sde(tolerance=1e-9).double()
    x = torch.randn(3, 1, 4, 4, dtype=DOUBLE, generator=rng()).clamp(-1, 1)
    with torch.no_grad():
        z, there = model.flow(x, [1e-3, 1.0])
        back, _ = model.flow(z, [1.0, 1e-3])
    assert (z - x).abs().mean() > 0.1
    assert torch.allclose(back, x, rtol=0, atol=1e-5)


def test_the_change_of_density_is_the_log_det_of_the_flows_jacobian():
    """The whole Jacobian by central differences in float64, which no divergence goes into."""
    model, h = score_sde(tolerance=1e-10).double(), 1e-5
    x = torch.randn(1, 1, 4, 4, dtype=DOUBLE, generator=rng())
    moved = torch.cat([x, *(x + s * h * e.view(1, 1, 4, 4)
                            for e in torch.eye(16, dtype=DOUBLE) for s in (1, -1))])
    with torch.no_grad():
        z, _ = model.flow(moved, [1e-3, 1.0])
        _, integral = model.flow(x, [1e-3, 1.0], divergence=exact)
    columns = (z[1::2] - z[2::2]).flatten(1) / (2 * h)
    assert torch.linalg.slogdet(columns)[1].item() == pytest.approx(integral.item(), abs=1e-4)


def test_estimates_of_the_density_agree_with_the_exact_one_in_the_mean():
    """Within 5 standard errors of 400 draws of e."""
    model = score_sde(tolerance=1e-4)
    x = torch.randn(1, 1, 4, 4, generator=rng()).expand(400, 1, 4, 4)
    with torch.no_grad():
        estimates = model.log_prob_estimate(x, rng(1))
        again = model.log_prob_estimate(x, rng(1))
        truth = model.log_prob_estimate(x[:1], divergence=exact)
    assert torch.equal(estimates, again) and estimates.std() > 0
    assert abs(estimates.mean() - truth) < 5 * estimates.std() / 20 + 1e-2
    assert model.nfe > 10


class Twice(nn.Module):
    def forward(self, x):
        return x / 2, x.new_full((len(x),), -16 * math.log(2))

    def inverse(self, z):
        return 2 * z


def test_a_bijection_before_changes_density_samples_and_training_as_it_must():
    plain, scaled = score_sde(), score_sde(before=Twice())
    scaled.load_state_dict(plain.state_dict())
    x = torch.randn(3, 1, 4, 4, generator=rng())
    assert torch.equal(scaled.sample(2, generator=rng()), 2 * plain.sample(2, generator=rng()))
    with torch.no_grad():
        ours, theirs = (model.log_prob_estimate(y, rng())
                        for model, y in ((scaled, 2 * x), (plain, x)))
    assert torch.allclose(ours, theirs - 16 * math.log(2))
    losses = []
    for model, y in ((scaled, 2 * x), (plain, x)):
        torch.manual_seed(1)
        losses.append(model.loss(y, "model").item())
    assert losses[0] == losses[1]


def test_samples_and_what_they_cost():
    model = score_sde()
    x = model.sample(5, steps=3, generator=rng())
    assert x.shape == (5, 1, 4, 4) and model.nfe == 6
    assert model.sample_sde(5, steps=3, generator=rng()).shape == (5, 1, 4, 4)
    with pytest.raises(ValueError, match="takes no class"):
        model.sample(1, y=3)


@pytest.mark.parametrize("size", [16, 28, 56])
def test_untrained_the_model_of_digits_is_a_standard_normal_of_levels(size):
    """Its network is 0 at first, v = 0, so that s = −x and the flow stands still."""
    torch.manual_seed(0)
    model = digits_score_sde(size).eval()
    x = digits("mnist", "test").images[:2, :, :16, :16].repeat(1, 1, 4, 4)[..., :size, :size]
    z = dequantise(x, rng()) / 128 - 1
    truth = standard_normal(z) - size**2 * math.log(128)
    assert torch.allclose(model.estimate(x, generator=rng()), truth, rtol=1e-5)
    assert torch.isfinite(model.loss(x, "model"))


def test_the_times_of_digits_have_the_law_that_the_model_tells():
    """Above a log SNR of 3: ¼ + ¾ · 2/π arctan e^{−3/2}, within 5 standard errors."""
    n = 4000
    torch.manual_seed(0)
    t, z = digits_score_sde().model.draw(torch.zeros(n, 1))
    assert z.shape == (n, 1) and t.min() >= 1e-5 and t.max() <= 1
    alpha, sigma = SDE.kernel(t.double())
    share = 0.25 + 0.75 * 2 / math.pi * math.atan(math.exp(-1.5))
    assert abs(((alpha / sigma).log() * 2 > 3).double().mean() - share) < 5 * (0.25 / n)**0.5


def test_the_model_that_ships_knows_digits():
    """Bits a dimension of unseen ones, far below those of noise (8); samples of 8-bit values that
    the classifier is mostly sure of."""
    model = load(digits_score_sde(), weights("score_sde_digits")).eval()
    x = digits("mnist", "test").images[:4]
    assert bits_per_dim(model.estimate(x, generator=rng()), 784).mean() < 2.5
    samples = model.sample(16, generator=rng())
    assert model.model.nfe == 38
    levels = 127.5 * (samples + 1)
    assert torch.allclose(levels, levels.round(), atol=1e-4)
    assert (classify(samples).exp().amax(1) > 0.5).float().mean() > 0.8
