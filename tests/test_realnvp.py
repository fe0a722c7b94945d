"""RealNVP: couplings invert and know their Jacobian, densities integrate to 1."""
import math

import pytest
import torch

from course_lib.core import fit
from course_lib.data import batches, toys
from course_lib.likelihood.bijections import Chain, Factored, Flatten, Flow, Shift, Squeeze
from course_lib.likelihood.realnvp import Coupling, checkerboard, half_of_channels, images, points
from course_lib.nets import ConvCoupling, mlp
from course_lib.recipes.flows import digits_realnvp
from tests.flows import jacobian, rng, stirred

SMALL = {
    "coupling of points": (lambda: Coupling(mlp(3, 8, 6), torch.tensor([1.0, 0, 1]), 3), (3,)),
    "checkerboard": (lambda: Coupling(ConvCoupling(1, 2, 4, 2), checkerboard(4, 4), 1), (1, 4, 4)),
    "channels": (lambda: Coupling(ConvCoupling(4, 8, 4), half_of_channels(4), 4), (4, 2, 2)),
    "squeeze": (Squeeze, (1, 4, 4)), "shift": (lambda: Shift(2.0), (1, 2, 2)),
    "factored": (lambda: Factored((2, 2, 2), Flatten((1, 2, 2))), (2, 2, 2)),
    "points": (lambda: points(2, 4, 8), (2,)),
    "images": (lambda: images((1, 8, 8), (4, 4), 2), (1, 8, 8)),
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


@pytest.mark.parametrize("i", range(3))
def test_a_coupling_leaves_b_alone_and_reads_nothing_else(i):
    mask = torch.eye(3)[i]
    f, x = stirred(Coupling(mlp(3, 8, 6), mask, 3)), torch.randn(5, 3, generator=rng()).double()
    z, log_det = f(x)
    assert torch.equal(z[:, i], x[:, i])
    other = torch.where(mask == 1, x, x + 1)
    assert torch.equal(f(other)[1], log_det)
    ratio = (f(other)[0] - z)[:, mask == 0]                    # z is affine in each: slope exp(s)
    assert torch.allclose(ratio.log().sum(1), log_det, atol=1e-10)


def test_a_checkerboard_splits_neighbours():
    b = checkerboard(4, 6)[0]
    assert b.sum() == 12 and (b[1:] + b[:-1] == 1).all() and (b[:, 1:] + b[:, :-1] == 1).all()
    assert half_of_channels(4).flatten().tolist() == [1, 1, 0, 0]


def test_new_couplings_of_images_change_nothing_and_squeeze_keeps_pixels_together():
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert Squeeze()(x)[0][0, :, 0, 0].tolist() == [0, 1, 4, 5]
    z, log_det = images((1, 4, 4), (4, 4))(x)
    assert torch.equal(z.sort().values, x.flatten(1)) and not log_det.any()


def test_every_pixel_is_changed_told_others():
    """Each entry of z moves with more than one pixel of x."""
    f = stirred(images((1, 8, 8), (4, 4), 2))
    x = torch.randn(64, generator=rng(), dtype=torch.float64)
    J = torch.autograd.functional.jacobian(lambda x: f(x.view(1, 1, 8, 8))[0][0], x)
    assert ((J != 0).sum(1) > 1).all() and ((J != 0).sum(0) > 1).all()


def grid(reach, n):
    """Points of a square, and the area of each"""
    axis = torch.linspace(-reach, reach, n, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis), (axis[1] - axis[0]).item()**2


def test_a_density_of_the_plane_integrates_to_1():
    """Smooth, and 0 at the grid's edge: the trapezoid's error is far below the tolerance."""
    torch.manual_seed(0)
    model = Flow(stirred(points(2, 4, 8)), (2,))
    x, area = grid(30, 700)
    with torch.no_grad():
        assert (model.log_prob(x).exp().sum() * area).item() == pytest.approx(1, abs=1e-3)


def test_samples_pushed_back_are_normal_and_their_law_is_the_density():
    """20,000 draws: mean and covariance within 5 standard errors; E log p within 5, too: for
    z ~ N(0, I), log N(z) has the mean −log 2π − 1."""
    torch.manual_seed(0)
    model, n = Flow(stirred(points(2, 4, 8)), (2,)), 20_000
    x = model.sample(n, generator=rng())
    with torch.no_grad():
        z, log_det = model.f(x)
    assert (z.mean(0).abs() < 5 / math.sqrt(n)).all()
    assert ((z.T.cov() - torch.eye(2)).abs() < 5 * math.sqrt(2 / n)).all()
    normal = (model.log_prob(x) - log_det).mean().item()
    assert normal == pytest.approx(-math.log(2 * math.pi) - 1, abs=5 / math.sqrt(n))
    cold = model.f(model.sample(n, temperature=0.5, generator=rng()))[0]
    assert torch.allclose(cold, z / 2, atol=1e-8)


def test_a_flow_learns_two_moons():
    """Better than the Gaussian of the same moments, whose −log p a dimension is
    ½ log 2πe |Σ|^½; by a lot: 0.3 nats."""
    x = toys("moons", 2000, generator=rng())
    torch.manual_seed(0)
    model = Flow(points(2, 6, 32), (2,))
    fit(model, batches(x, size=200), steps=150, lr=5e-3, clip=1.0)
    gaussian = math.log(2 * math.pi * math.e) / 2 + torch.logdet(x.T.cov()).item() / 4
    test = toys("moons", 2000, generator=rng(1))
    with torch.no_grad():
        assert -model.log_prob(test).mean().item() / 2 < gaussian - 0.3


def test_what_cannot_be_is_refused():
    model = Flow(points(2, 2, 4), (2,))
    for wrong in (lambda: images((1, 6, 6), (4, 4, 4)), lambda: Squeeze()(torch.zeros(1, 1, 7, 7)),
                  lambda: model.log_prob(torch.zeros(3, 4)), lambda: model.sample(1, y=3),
                  lambda: model.sample(1, temperature=-1.0), lambda: digits_realnvp(18)):
        with pytest.raises(ValueError):
            wrong()
    assert isinstance(Chain([]).forward(torch.zeros(2, 1))[0], torch.Tensor)
