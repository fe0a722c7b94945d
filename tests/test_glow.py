"""Glow: its three layers, their Jacobians, the start from data; densities integrate to 1."""
import math

import pytest
import torch

from course_lib.core import fit
from course_lib.data import batches
from course_lib.likelihood.bijections import Chain, Flatten, Flow
from course_lib.likelihood.glow import ActNorm, HalfCoupling, Mix, images, step
from course_lib.nets import ConvCoupling
from course_lib.recipes.flows import digits_glow
from tests.flows import jacobian, rng, stirred

SMALL = {
    "actnorm": (lambda: ActNorm(3), (3, 2, 4)), "actnorm of points": (lambda: ActNorm(3), (3,)),
    "1×1 convolution": (lambda: Mix(4), (4, 3, 2)),
    "coupling": (lambda: HalfCoupling(ConvCoupling(2, 4, 4), 4), (4, 3, 3)),
    "step": (lambda: Chain(step(2, 4)), (2, 3, 3)),
    "images": (lambda: images((1, 4, 4), (4, 4), 2), (1, 4, 4)),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_bijection_inverts_and_its_log_det_is_that_of_autograd(name):
    make, shape = SMALL[name]
    torch.manual_seed(0)
    f, x = stirred(make()), torch.randn(3, *shape, generator=rng(1), dtype=torch.float64)
    z, log_det = f(x)
    assert log_det.shape == (3,)
    assert torch.allclose(log_det, jacobian(f, x), atol=1e-10)
    assert torch.allclose(f.inverse(z), x, atol=1e-10)


def test_actnorm_starts_with_mean_0_and_variance_1_on_the_first_batch_alone():
    x = torch.randn(50, 3, 4, 4, generator=rng()).double() * torch.tensor([1e-3, 1, 50])[:, None,
                                                                                     None] + 7
    f = ActNorm(3).double()
    assert torch.equal(f.eval()(x)[0], x) and not f.started                 # no data, no start
    z, _ = f.train()(x)
    assert torch.allclose(z.mean((0, 2, 3)), torch.zeros(3).double(), atol=1e-10)
    assert torch.allclose(z.var((0, 2, 3), unbiased=False), torch.ones(3).double(), atol=1e-10)
    assert torch.equal(f(x)[0], z)
    assert f(2 * x)[0].mean() > 1                        # as it is
    constant = ActNorm(1)(torch.full((4, 1, 2, 2), 3.0))[0]
    assert constant.isfinite().all() and not constant.any()


def test_fit_starts_actnorm_and_the_weights_keep_that():
    """One step with a rate near 0: the mean is that of the batch."""
    x = torch.randn(32, 2, 2, 2, generator=rng()) * 3 + 5
    model = Flow(Chain([ActNorm(2), Flatten((2, 2, 2))]), (2, 2, 2))
    fit(model, batches(x, size=32), steps=1, lr=1e-12)
    f = model.f[0]
    assert f.started and torch.allclose(-f.b, x.mean((0, 2, 3)), atol=1e-5)
    other = ActNorm(2)
    other.load_state_dict(f.state_dict())
    assert torch.equal(other.train()(x + 1)[0], f(x + 1)[0])


def test_a_permutation_or_rotation_has_log_det_0_and_a_scale_counts_each_pixel():
    f, x = Mix(4).double(), torch.randn(2, 4, 3, 5, generator=rng()).double()
    assert torch.allclose(f(x)[1], torch.zeros(2).double(), atol=1e-5)      # Q is from float32
    f.W.data = torch.eye(4).double()[[2, 0, 3, 1]]
    z, log_det = f(x)
    assert torch.equal(z, x[:, [2, 0, 3, 1]]) and not log_det.any()
    f.W.data = 2 * f.W.data
    assert torch.allclose(f(x)[1], torch.full((2,), 15 * 4 * math.log(2)).double())


def test_a_new_coupling_changes_nothing():
    x = torch.randn(2, 4, 3, 3, generator=rng())
    z, log_det = HalfCoupling(ConvCoupling(2, 4, 4), 4)(x)
    assert torch.equal(z, x) and not log_det.any()


def test_a_density_of_the_plane_integrates_to_1_and_its_samples_come_back_normal():
    """The trapezoid's error is far below 1e-3; 20,000 draws within 5 standard errors."""
    torch.manual_seed(0)
    model = Flow(stirred(Chain([*step(2, 8), *step(2, 8), Flatten((2, 1, 1))])), (2, 1, 1)).eval()
    axis = torch.linspace(-30, 30, 700, dtype=torch.float64)
    x = torch.cartesian_prod(axis, axis)[:, :, None, None]
    with torch.no_grad():
        total = sum(model.log_prob(part).exp().sum() for part in x.split(200_000))
        assert (total * (axis[1] - axis[0])**2).item() == pytest.approx(1, abs=1e-3)
        z = model.f(model.sample(20_000, generator=rng()))[0]
    assert (z.mean(0).abs() < 5 / 20_000**0.5).all()
    assert ((z.T.cov() - torch.eye(2)).abs() < 5 * (2 / 20_000)**0.5).all()


def test_what_cannot_be_is_refused():
    for wrong in (lambda: images((1, 6, 6), (4, 4)), lambda: digits_glow(30),
                  lambda: digits_glow().sample(1, y=3),
                  lambda: digits_glow().sample(1, temperature=-1.0)):
        with pytest.raises(ValueError):
            wrong()
