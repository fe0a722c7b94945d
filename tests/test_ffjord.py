"""Grathwohl et al. 2019: of a linear field the flow is a matrix exponential; of any field, volume,
reverse and total mass are what a density's must be."""
import math

import pytest
import torch
from gaussian import rng
from torch import nn

from course_lib.core import fit, load, warmup_cosine
from course_lib.data import batches, digits, toys
from course_lib.evaluate import bits_per_dim
from course_lib.likelihood.dequantisation import Logit
from course_lib.likelihood.ffjord import FFJORD, PointField
from course_lib.likelihood.marginals import Marginals
from course_lib.recipes import weights
from course_lib.recipes.continuous import digits_ffjord

DOUBLE = torch.float64


class Linear(nn.Module):
    """f(z, t) = A z"""

    def __init__(self, A):
        super().__init__()
        self.A = nn.Parameter(A)

    def forward(self, z, t):
        return z @ self.A.T


def field(d=3, **how):
    torch.manual_seed(0)
    f = PointField(d, 16)
    nn.init.normal_(f.out.weight, std=0.5)
    return FFJORD(f, (d,), **how).eval()


@pytest.mark.parametrize("tolerance", [1e-5, 1e-8])
def test_a_linear_field_makes_a_gaussian(tolerance):
    """x = e^A z, so that x ~ N(0, e^A e^{Aᵀ}) and log det = −tr A, to some steps' tolerances."""
    d = 3
    A = torch.randn(d, d, dtype=DOUBLE, generator=rng()) / 2
    model, M = FFJORD(Linear(A), (d,), tolerance=tolerance), torch.linalg.matrix_exp(A)
    x = torch.randn(10, d, dtype=DOUBLE, generator=rng(1))
    with torch.no_grad():
        z, log_det = model(x)
        log_p = model.log_prob(x)
        back = model.inverse(z)
    law = torch.distributions.MultivariateNormal(torch.zeros(d, dtype=DOUBLE), M @ M.T)
    close = lambda a, b: torch.allclose(a, b, rtol=0, atol=100 * tolerance)
    assert close(z, x @ torch.linalg.inv(M).T) and close(log_det, -A.trace().detach().expand(10))
    assert close(log_p, law.log_prob(x)) and close(back, x)


def test_the_log_det_is_autograds():
    model = field(tolerance=1e-9).double()
    x = torch.randn(3, dtype=DOUBLE, generator=rng())
    J = torch.autograd.functional.jacobian(lambda x: model(x[None])[0][0], x)
    _, log_det = model(x[None])
    assert torch.linalg.slogdet(J)[1].item() == pytest.approx(log_det.item(), abs=1e-6)
    assert abs(log_det.item()) > 0.1


def test_noise_and_data_are_each_others_reverse():
    model = field(tolerance=1e-8).double()
    x = torch.randn(20, 3, dtype=DOUBLE, generator=rng())
    with torch.no_grad():
        z, _ = model(x)
        assert (z - x).abs().mean() > 0.1
        assert torch.allclose(model.inverse(z), x, rtol=0, atol=1e-6)


def test_estimates_agree_with_the_exact_density_in_the_mean():
    """Within 5 standard errors of 1,000 draws of e; a generator's seed means one estimate."""
    model = field(tolerance=1e-4)
    x = torch.randn(1, 3, generator=rng()).expand(1000, 3)
    with torch.no_grad():
        estimates, again = (model.log_prob_estimate(x, rng(1)) for _ in range(2))
        truth = model.log_prob(x[:1])
    assert torch.equal(estimates, again) and estimates.std() > 0
    assert abs(estimates.mean() - truth) < 5 * estimates.std() / 1000**0.5 + 1e-3


def test_fixed_steps_come_to_the_adaptive_density_and_have_its_gradients():
    """Fourth order: twice the steps, a sixteenth of the error; and the loss has gradients, for any
    e, that differences of it confirm."""
    model = field(tolerance=1e-10).double()
    x = torch.randn(4, 3, dtype=DOUBLE, generator=rng())
    with torch.no_grad():
        truth = model.log_prob_estimate(x, rng(1))
        errors = [(model.log_prob_estimate(x, rng(1), times=torch.linspace(1, 0, n + 1))
                   - truth).abs().max() for n in (4, 8)]
    assert errors[1] < errors[0] / 8 and errors[0] < 0.05
    times, weight, h = torch.linspace(1, 0, 5), model.f.out.weight, 1e-6
    loss = lambda: model.log_prob_estimate(x, rng(1), times=times).mean()
    slope, = torch.autograd.grad(loss(), weight)
    with torch.no_grad():
        weight[0, 0] += h
        high = loss()
        weight[0, 0] -= 2 * h
        low = loss()
    assert slope[0, 0].item() == pytest.approx(((high - low) / (2 * h)).item(), rel=1e-4)


def test_evaluations_are_counted_and_grow_with_precision():
    model, counts = field(), []
    for model.tolerance in (1e-2, 1e-4, 1e-6):
        model.sample(3, generator=rng())
        counts.append(model.nfe)
    assert counts[0] < counts[1] < counts[2]
    model.loss(torch.zeros(2, 3), "model")
    assert model.nfe == 4 * model.steps


def test_a_bijection_before_it_changes_variables():
    """Logits of levels: the density of y is that of its logit times the slope."""
    logit, inner = Logit(), field(2)
    model = FFJORD(inner.f, (2,), before=logit).eval()
    y = 256 * torch.rand(5, 2, generator=rng())
    with torch.no_grad():
        z, log_det = logit(y)
        assert torch.allclose(model.log_prob(y), inner.log_prob(z) + log_det, atol=1e-4)
    samples = model.sample(4, generator=rng())
    assert torch.allclose(logit(samples)[0], inner.sample(4, generator=rng()), atol=1e-3)


def test_marginals_make_each_coordinate_normal():
    """A bijection whose log-det is autograd's; of the data that it counted, mean 0 and variance 1,
    but for the 20 draws in 2,020 that are of the other coordinates' laws; uniform before."""
    front = Marginals((2,)).double()
    y = 256 * torch.rand(2000, 2, dtype=DOUBLE, generator=rng())
    assert torch.allclose(front(y)[0], torch.special.ndtri(y / 256), atol=1e-5)
    y[:, 0] = torch.where(y[:, 1] < 100, y[:, 0] / 256, y[:, 0])
    front.measure(y.floor())
    z, log_det = front(y)
    assert torch.allclose(front.inverse(z), y, atol=1e-4)
    assert z.mean(0).abs().max() < 0.1 and (z.std(0) - 1).abs().max() < 0.1
    J = torch.autograd.functional.jacobian(lambda y: front(y[None])[0][0], y[0])
    assert torch.slogdet(J)[1].item() == pytest.approx(log_det[0].item(), abs=1e-6)


def test_two_moons_in_seconds():
    """Better than the Gaussian of the same moments, and a density: the sum over a grid of 0.1, a
    fifth of what its finest parts span at this point of the training, is 1."""
    torch.manual_seed(0)
    model = FFJORD(PointField(2, 32), (2,), steps=3, tolerance=1e-3)
    x = toys("moons", 2000, generator=rng())
    fit(model, batches(x, size=128), steps=150, lr=1e-2, schedule=warmup_cosine(), clip=1.0,
        device="cpu")
    test = toys("moons", 500, generator=rng(1))
    gaussian = torch.distributions.MultivariateNormal(x.mean(0), x.T.cov())
    axis = torch.linspace(-3, 3, 61)
    with torch.no_grad():
        mass = model.log_prob(torch.cartesian_prod(axis, axis)).exp().sum() * 0.1**2
        assert mass.item() == pytest.approx(1, abs=0.02)
        assert model.log_prob(test).mean() > gaussian.log_prob(test).mean() + 0.5


def test_errors():
    with pytest.raises(ValueError, match="takes no class"):
        field().sample(1, y=1)
    assert math.isfinite(field().loss(torch.zeros(2, 3), "model").item())


def test_the_estimate_of_images_is_right_in_the_mean():
    """A flow of 4×4 pixels, whose 16 dimensions allow the exact trace; 5 standard errors."""
    torch.manual_seed(0)
    model = digits_ffjord(4).model.eval()
    nn.init.normal_(model.f.out.weight, std=0.05)
    y = (256 * torch.rand(1, 1, 4, 4, generator=rng())).expand(400, 1, 4, 4)
    with torch.no_grad():
        estimates, truth = model.log_prob_estimate(y, rng(1)), model.log_prob(y[:1])
    assert estimates.std() > 0
    assert abs(estimates.mean() - truth) < 5 * estimates.std() / 20 + 0.02


def test_the_model_that_ships_has_a_density_of_digits_and_samples():
    model = load(digits_ffjord(), weights("ffjord_digits")).eval()
    x = digits("mnist", "test").images[:8]
    assert bits_per_dim(model.estimate(x, generator=rng()), 784).mean() < 1.6
    assert model.sample(4, generator=rng()).shape == (4, 1, 28, 28)


@pytest.mark.parametrize("size", [16, 56])
def test_other_sizes_train(size):
    model = digits_ffjord(size)
    assert torch.isfinite(model.loss(torch.zeros(1, 1, size, size), "model"))
