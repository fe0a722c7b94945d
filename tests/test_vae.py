import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from course_lib.core import fit, load
from course_lib.data import batches, digits
from course_lib.evaluate import bits_per_dim
from course_lib.likelihood.vae import (
    VAE,
    kl_to_standard,
    logistic_log_prob,
    logistic_mean,
    logistic_sample,
)
from course_lib.nets import GridDecoder, GridEncoder, VectorDecoder, VectorEncoder
from course_lib.recipes import recipes, weights

rng = lambda seed=0: torch.Generator().manual_seed(seed)
LEVELS = torch.arange(256, dtype=torch.float64) / 127.5 - 1
WIDE = torch.tensor([[-30.0, 0.0], [-1.0, -7.0], [-0.2, -4.0], [0.3, -2.0], [1.5, 0.5], [1.0, 3.0]],
                    dtype=torch.float64)                                    # mean, log-scale


class Linear(VAE):
    """Probabilistic PCA: x = W z + b + s ε (Tipping & Bishop 1999), whose log p(x) and posterior
    are Gaussian; q is `off` from the true posterior"""

    s = 0.5

    def __init__(self, off=0.0):
        nn.Module.__init__(self)
        draw = lambda *shape: torch.randn(*shape, generator=rng(), dtype=torch.float64)
        self.n_z, self.off = 3, off
        # Orthogonal columns: then the true posterior has independent coordinates.
        self.W = nn.Parameter(torch.linalg.qr(draw(5, 3)).Q * torch.tensor([2.0, 1.0, 0.3]))
        self.b = nn.Parameter(draw(5))

    def q(self, x):
        precision = 1 + (self.W**2).sum(0) / self.s**2
        mu = (x - self.b) @ self.W / self.s**2 / precision
        return mu + self.off, -precision.log().expand_as(mu)

    def log_p(self, x, z):
        return Normal(z @ self.W.T + self.b, self.s).log_prob(x).sum(1)

    def log_prob(self, x):
        covariance = self.W @ self.W.T + self.s**2 * torch.eye(5)
        return torch.distributions.MultivariateNormal(self.b, covariance).log_prob(x)


POINTS = torch.randn(6, 5, generator=rng(1), dtype=torch.float64)
draws = lambda model, n, K=1: model.elbo(POINTS.repeat(n, 1), K=K, generator=rng()).view(n, -1)


@torch.no_grad()
def test_the_bound_is_log_p_at_the_true_posterior():
    """On average for the ELBO; and then each weight p(x, z)/q(z | x) is p(x), whatever z."""
    model = Linear()
    for K in (2, 5):
        assert torch.allclose(model.elbo(POINTS, K=K, generator=rng()), model.log_prob(POINTS))
    found = draws(model, 4000)
    error = found.std(0) / 4000**0.5
    assert ((found.mean(0) - model.log_prob(POINTS)).abs() < 5 * error).all()


@torch.no_grad()
def test_the_gap_of_the_elbo_is_the_kl_to_the_true_posterior():
    """q is 0.4 off in each of three coordinates: KL = ½ Σ 0.4²/σ². The mean of 4,000 draws is known
    to 5 standard errors."""
    model, off = Linear(), Linear(0.4)
    found = draws(off, 4000)
    gap = model.log_prob(POINTS) - found.mean(0)
    _, log_var = off.q(POINTS)
    expected = 0.5 * (0.4**2 / log_var.exp()).sum(1)
    assert ((gap - expected).abs() < 5 * found.std(0) / 4000**0.5).all() and (gap > 0).all()


@torch.no_grad()
def test_the_bound_rises_with_K_and_stays_below_log_p():
    off = Linear(0.4)
    means = torch.stack([draws(off, 1500, K).mean(0) for K in (1, 4, 32)])
    assert (means[1:] - means[:-1] > 0.1).all()          # the errors of the means are below 0.05
    assert (means < off.log_prob(POINTS) + 0.05).all()


def test_kl_is_that_of_torch_and_of_draws():
    mu, log_var = torch.randn(2, 4, 3, generator=rng(), dtype=torch.float64)
    q, p = Normal(mu, (log_var / 2).exp()), Normal(torch.zeros_like(mu), 1.0)
    assert torch.allclose(kl_to_standard(mu, log_var), kl_divergence(q, p).sum(1))
    torch.manual_seed(0)
    z = q.sample((40_000,))
    found = (q.log_prob(z) - p.log_prob(z)).sum(2)
    error = found.std(0) / 200
    assert ((found.mean(0) - kl_to_standard(mu, log_var)).abs() < 5 * error).all()
    assert kl_to_standard(torch.zeros(2, 3), torch.zeros(2, 3)).abs().max() == 0


@pytest.mark.parametrize("mu, log_s", WIDE)
def test_the_law_of_a_pixel_sums_to_one(mu, log_s):
    log_p = logistic_log_prob(LEVELS, mu, log_s)
    assert torch.isfinite(log_p).all()
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_the_law_of_a_pixel_is_a_difference_of_logistic_functions():
    mu, log_s = torch.tensor([0.1, -1.3], dtype=torch.float64)
    edges = torch.cat([torch.tensor([-math.inf]), (torch.arange(1, 256) - 0.5) / 127.5 - 1,
                       torch.tensor([math.inf])]).double()
    cdf = ((edges - mu) / log_s.exp()).sigmoid()
    assert torch.allclose(logistic_log_prob(LEVELS, mu, log_s), cdf.diff().log(), atol=1e-9)


def test_the_law_of_a_pixel_stays_finite_far_out_with_its_gradients():
    """float32, means up to 100 and scales down to e⁻⁷ of a range of 2"""
    mu = torch.tensor([-100.0, -1.0, 0.0, 1.0, 100.0], requires_grad=True)
    log_s = torch.tensor([-7.0, -3.0, 0.0, 3.0], requires_grad=True)
    log_p = logistic_log_prob(LEVELS.float()[:, None, None], mu[:, None], log_s)
    slopes = torch.autograd.grad(log_p.sum(), (mu, log_s))
    assert all(torch.isfinite(found).all() for found in (log_p, *slopes)) and log_p.max() <= 0


@pytest.mark.parametrize("mu, log_s", WIDE)
def test_draws_of_a_pixel_have_its_law(mu, log_s):
    """40,000 draws: each level's share within 6 standard errors, 8-bit values; and the mean, within
    5 standard errors and the width of a level of the closed form, which is of a cut continuum."""
    n = 40_000
    x = logistic_sample(mu.float().expand(n), log_s.float().expand(n), rng())
    levels = ((x + 1) * 127.5).round().long()
    assert torch.allclose(levels / 127.5 - 1, x, atol=1e-6)
    p = logistic_log_prob(LEVELS, mu, log_s).exp()
    share = torch.bincount(levels, minlength=256) / n
    assert ((share - p).abs() < 6 * (p * (1 - p) / n).sqrt() + 1e-4).all()
    mean, deviation = (p * LEVELS).sum(), ((p * LEVELS**2).sum() - (p * LEVELS).sum() ** 2).sqrt()
    assert abs(logistic_mean(mu, log_s) - mean) < 1e-3
    assert abs(x.double().mean() - mean) < 5 * deviation / n**0.5 + 1e-6


def test_draws_are_reparametrised():
    """d E z²/dμ = 2 μ and d E z²/dσ = 2 σ: the bound's gradient goes through z = μ + σ ε."""
    model = VAE(nn.Identity(), nn.Identity(), 1)
    model.log_p = lambda x, z: (z**2).sum(1)
    parameters = torch.tensor([[0.7, 2 * math.log(0.5)]]).repeat(100_000, 1).requires_grad_()
    bound = model.bound(parameters, torch.randn(100_000, 1, generator=rng()))
    (kl_only,) = torch.autograd.grad(kl_to_standard(*parameters.chunk(2, 1)).sum(), parameters)
    (slope,) = torch.autograd.grad(bound.sum(), parameters)
    mu, log_var = (slope + kl_only).mean(0)
    assert mu.item() == pytest.approx(1.4, abs=5 * 2 * 0.5 / 100_000**0.5)
    assert log_var.item() == pytest.approx(0.25, abs=0.01)               # d/d log σ² = σ/2 d/dσ


def test_loss_is_the_bound_in_nats_a_dimension():
    model = VAE(VectorEncoder(8, 16, width=8), VectorDecoder(4, 16, width=8), 4).eval()
    x = digits().images[:8, :, 6:22, 6:22]
    torch.manual_seed(5)
    loss = model.loss(x, "model").item()
    torch.manual_seed(5)
    assert loss == pytest.approx(-model.elbo(x).mean().item() / 256, rel=1e-5)


@pytest.mark.parametrize("size", [16, 28, 56])
def test_a_vae_fits_draws_and_bounds(size):
    """Eight images over and over: the bound gets better by half a bit a dimension or more."""
    x = nn.functional.interpolate(digits().images[:8], (size, size))
    torch.manual_seed(0)
    model = VAE(VectorEncoder(8, size, width=8), VectorDecoder(4, size, width=8), 4)
    bits = lambda: bits_per_dim(model.elbo(x, generator=rng()).mean().item(), size**2)
    before = bits()
    fit(model, batches(x, size=8), steps=30, lr=1e-2, seed=0)
    assert bits() < before - 0.5
    for drawn in (model.sample(3, generator=rng()), model.mean(3, generator=rng())):
        assert drawn.shape == (3, 1, size, size) and drawn.abs().max() <= 1
    assert torch.equal(model.sample(3, generator=rng(1)), model.sample(3, generator=rng(1)))


def test_networks_go_to_a_quarter_and_back():
    x = torch.randn(2, 3, 16, 24)
    z = GridEncoder(5, 3, width=8)(x)
    assert z.shape == (2, 5, 4, 6) and GridDecoder(5, 6, width=8)(z).shape == (2, 6, 16, 24)


def test_bad_input_gets_one_clear_error():
    model = VAE(VectorEncoder(8, 16, width=8), VectorDecoder(4, 16, width=8), 4)
    with pytest.raises(ValueError, match="K ≥ 1"):
        model.elbo(torch.zeros(2, 1, 16, 16), K=0)
    for x in (torch.full((2, 1, 16, 16), 255.0), torch.full((2, 1, 16, 16), torch.nan)):
        with pytest.raises(ValueError, match="8-bit images"):
            model.elbo(x)
    with pytest.raises(ValueError, match="no class"):
        model.sample(2, y=1)


def test_the_vae_that_ships_knows_held_out_digits():
    model = load(recipes()["vae_digits"].make(), weights("vae_digits"))
    x = digits(split="test").images[:500]
    elbo = model.elbo(x, generator=rng())
    assert bits_per_dim(elbo.mean().item(), 784) < 1.6
    noise = 2 * torch.rand(50, 1, 28, 28, generator=rng()) - 1
    assert model.elbo((127.5 * (noise + 1)).round() / 127.5 - 1).max() < elbo.min()
