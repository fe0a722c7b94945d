import math

import pytest
import torch
from torch import nn
from torch.distributions import Laplace, Normal

from course_lib.core import fit
from course_lib.data import batches, digits
from course_lib.likelihood.dequantisation import (
    Dequantised,
    DequantisedEstimate,
    Logit,
    dequantise,
    eight_bit,
)

rng = lambda seed=0: torch.Generator().manual_seed(seed)
LEVELS = (torch.arange(256.0) / 127.5 - 1)[:, None]                # each 8-bit image of one pixel


class Steps(nn.Module):
    """A density of y in [0, 256) that is constant within each level"""

    def __init__(self):
        super().__init__()
        self.logits = nn.Parameter(torch.randn(256, generator=rng(), dtype=torch.float64))

    def log_prob(self, y):
        return self.logits.log_softmax(0)[y.long()].sum(1)


class Slopes(nn.Module):
    """A normal law of the logits of two pixels"""

    def __init__(self, sigma=1.2):
        super().__init__()
        self.logit, self.sigma = Logit(), sigma
        self.mu = nn.Parameter(torch.tensor([-1.0, 0.5]))

    def log_prob(self, y):
        z, log_det = self.logit(y)
        return Normal(self.mu, self.sigma).log_prob(z).sum(1) + log_det

    def log_prob_estimate(self, y, generator):
        return self.log_prob(y)

    def sample(self, n, *, generator=None):
        return self.logit.inverse(self.mu + self.sigma * torch.randn(n, 2, generator=generator))


def test_eight_bit_takes_back_what_dequantise_did():
    """Also where float32 would round 255 + u up to 256: 10⁶ pixels of each of two levels."""
    x = torch.tensor([[254.0], [255.0]]).expand(2, 10**6) / 127.5 - 1
    y = dequantise(x, rng())
    assert torch.equal(eight_bit(y), x) and y.max() < 256
    assert torch.equal(eight_bit(dequantise(LEVELS)), LEVELS)
    images = digits().images[:50]
    assert torch.allclose(eight_bit(dequantise(images)), images, atol=1e-6)
    assert torch.equal(eight_bit(torch.tensor([-9.0, 300.0])), torch.tensor([-1.0, 1.0]))


def test_the_noise_is_uniform():
    """Of 10⁶ draws: mean ½ and variance 1/12 within 5 standard errors, 0.0015 and 0.0004."""
    u = dequantise(torch.zeros(10**6, 1) / 127.5 - 1 / 255, rng()) % 1
    assert abs(u.mean() - 0.5) < 0.0015 and abs(u.var() - 1 / 12) < 0.0004
    assert u.min() > 0 and u.max() < 1


def test_a_seed_means_one_noise():
    x = LEVELS.expand(256, 3)
    assert torch.equal(dequantise(x, rng(1)), dequantise(x, rng(1)))
    assert not torch.equal(dequantise(x, rng(1)), dequantise(x, rng(2)))


def test_logits_have_autograds_jacobian_and_an_inverse():
    logit, y = Logit(), 256 * torch.rand(3, 2, 2, generator=rng(), dtype=torch.float64)
    z, log_det = logit(y)
    for one, found in zip(y, log_det):
        J = torch.autograd.functional.jacobian(lambda v: logit(v[None])[0].flatten(), one)
        assert torch.allclose(J.reshape(4, 4).slogdet().logabsdet, found)
    assert torch.allclose(logit.inverse(z), y)
    assert torch.isfinite(logit(torch.tensor([[0.0, 128.0, 255.9999]]))[0]).all()


def test_a_density_through_the_logits_has_mass_one():
    """Midpoints over all that `inverse` reaches, 10⁵ of them: the error is far below 10⁻⁶."""
    margin, n = 256 * 0.05 / 0.9, 100_000
    width = (256 + 2 * margin) / n
    y = -margin + width * (torch.arange(n, dtype=torch.float64)[:, None] + 0.5)
    for law in (Normal(-1.0, 1.3), Laplace(0.5, 0.4)):
        z, log_det = Logit()(y)
        mass = (law.log_prob(z).sum(1) + log_det).exp().sum() * width
        assert mass.item() == pytest.approx(1, abs=1e-6)


def exact(model, x, points=400):
    """log ∫ p(x + u) du of two pixels, by midpoints"""
    u = torch.cartesian_prod(*[(torch.arange(points, dtype=torch.float64) + 0.5) / points] * 2)
    y = (127.5 * (x.double() + 1)).round()[:, None] + u
    log_p = model.log_prob(y.flatten(0, 1)).view(len(x), -1)
    return log_p.logsumexp(1) - 2 * math.log(points)


@torch.no_grad()
def test_the_bound_lies_below_the_log_of_the_integral():
    """The mean of 20,000 draws, known to 5 standard errors; one standard deviation of this law is
    about one level, and so the gap is wide."""
    model = Dequantised(Slopes(0.02))
    for levels in ([62, 163], [60, 160], [63, 165]):
        x = torch.tensor([levels]) / 127.5 - 1
        draws = model.elbo(x.expand(20_000, 2), generator=rng()).double()
        gap, error = exact(model.model, x) - draws.mean(), draws.std() / 20_000**0.5
        assert gap > 5 * error


@torch.no_grad()
def test_the_bound_is_tight_for_a_density_of_steps():
    model = Dequantised(Steps())
    log_P = model.elbo(LEVELS, generator=rng(1))
    assert torch.allclose(log_P, model.model.logits.log_softmax(0))
    assert log_P.exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_loss_is_the_bound_in_nats_a_dimension():
    x = torch.tensor([[7, 200], [255, 0]]) / 127.5 - 1
    model, other = Dequantised(Slopes()), DequantisedEstimate(Slopes())
    torch.manual_seed(3)
    loss = model.loss(x, "model")
    torch.manual_seed(3)
    assert torch.equal(other.loss(x, "model"), loss)
    torch.manual_seed(3)
    expected = -model.elbo(x) / 2
    assert loss.item() == pytest.approx(expected.mean().item(), rel=1e-6)
    assert torch.equal(other.estimate(x, generator=rng(5)), model.elbo(x, generator=rng(5)))


def test_a_family_says_by_its_methods_what_its_likelihood_is():
    assert hasattr(Dequantised, "elbo") and not hasattr(Dequantised, "estimate")
    assert hasattr(DequantisedEstimate, "estimate") and not hasattr(DequantisedEstimate, "elbo")


def test_samples_are_eight_bit_images_of_the_law_that_was_fitted():
    """Pixels drawn around the levels 60 and 200: the medians come back within a few levels."""
    z = torch.tensor([-1.5, 1.5]) + 0.5 * torch.randn(4000, 2, generator=rng())
    x, model = eight_bit(Logit().inverse(z)), Dequantised(Slopes())
    fit(model, batches(x, size=500), steps=300, lr=0.03, seed=0)
    drawn = model.sample(4000, generator=rng(1))
    levels = 127.5 * (drawn + 1)
    assert torch.allclose(levels, levels.round(), atol=1e-4) and drawn.abs().max() <= 1
    assert torch.allclose(drawn.median(0).values, x.median(0).values, atol=0.1)


def test_bad_input_gets_one_clear_error():
    for x in (torch.full((1, 2), 1.5), torch.full((1, 2), torch.nan), torch.zeros(1, 2).long()):
        with pytest.raises(ValueError, match="8-bit images"):
            dequantise(x)
    with pytest.raises(ValueError, match="alpha"):
        Logit(0.5)
    with pytest.raises(ValueError, match="no class"):
        Dequantised(Slopes()).sample(2, y=3)
