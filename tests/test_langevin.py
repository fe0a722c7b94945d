"""Unadjusted Langevin: its law on a Gaussian is known at every step, and what it draws from
elsewhere is known by quadrature."""
import math

import pytest
import torch

from course_lib.core import noise_like
from course_lib.data.toys import STD, modes, toys
from course_lib.ebm.langevin import chain, gradient, path, step
from course_lib.ebm.plane import Mixture, double_well


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=rng(seed), dtype=torch.float64)


def quadratic(a):
    return lambda x: a * x.square().flatten(1).sum(1) / 2


def test_a_step_is_the_formula_and_its_limits():
    x, grad, z = random(3, 2, seed=1), random(3, 2, seed=2), random(3, 2, seed=3)
    assert torch.allclose(step(x, grad, 0.5, z), x - 0.25 * grad + math.sqrt(0.5) * z, atol=1e-15)
    assert torch.equal(step(x, grad, 0.0, z), x)
    assert torch.allclose(step(x, grad, 0.5, 0 * z), x - 0.25 * grad, atol=1e-15)
    eta = 1e-8                                          # noise is of the order √η, drift of η
    assert ((step(x, grad, eta, z) - x) / math.sqrt(eta) - z).abs().max() < 1e-4 * grad.abs().max()


def test_the_gradient_is_that_of_the_energy_and_of_x_alone():
    A = random(3, 3)
    A = (A @ A.T).requires_grad_()
    E = lambda x: ((x @ A) * x).sum(1) / 2
    x = random(5, 3, seed=1)
    assert torch.allclose(gradient(E, x), (x @ A).detach(), atol=1e-12)
    assert A.grad is None and not x.requires_grad
    with torch.no_grad():
        assert torch.allclose(gradient(E, x), x @ A, atol=1e-12)
    assert not chain(E, x, eta=0.01, steps=2, generator=rng()).requires_grad and A.grad is None


def numbers(a, eta, steps):
    """Mean and variance after so many steps from x_0 = 1 for E = ½ a x², from the chain itself:
    it is linear in x_0 and its noises, and each row of a batch has one of them as 1."""
    z = torch.eye(steps + 1, dtype=torch.float64)
    x = z[:, :1]
    for k in range(1, steps + 1):
        x = step(x, a * x, eta, z[:, k:k + 1])
    return x[0].item(), x[1:].square().sum().item()


@pytest.mark.parametrize("a, eta", [(1.0, 0.1), (1.0, 1.0), (4.0, 0.5), (2.0, 1.9)])
def test_on_a_gaussian_the_variance_is_a_little_too_large_in_closed_form(a, eta):
    """A linear recursion: s² ← (1 − aη/2)² s² + η, whose fixed point is 1/(a (1 − aη/4))."""
    fixed = 1 / (a * (1 - a * eta / 4))
    shrink = 1 - a * eta / 2
    for k in (1, 3, 300):
        mean, variance = numbers(a, eta, k)
        assert mean == pytest.approx(shrink**k, abs=1e-12)
        assert variance == pytest.approx(fixed * (1 - shrink**(2 * k)), rel=1e-10)
    # 40,000 chains: the variance of their variance is 2 s⁴/n, and five times its root the bound
    n = 40_000
    x = chain(quadratic(a), torch.zeros(n, 1).double(), eta=eta, steps=60, generator=rng())
    assert x.var().item() == pytest.approx(fixed * (1 - shrink**120), rel=5 * math.sqrt(2 / n))
    assert abs(x.mean().item()) < 5 * math.sqrt(fixed / n)


@pytest.mark.parametrize("eta, lives", [(3.9, True), (4.1, False)])
def test_from_four_over_the_curvature_on_a_chain_diverges_and_says_so(eta, lives):
    """The factor 1 − aη/2 is −0.95 or −1.05: after 500 steps 10⁻¹¹ or 10¹¹."""
    x = torch.ones(1, 1).double()
    if lives:
        assert chain(quadratic(1.0), x, eta=eta, steps=500, noise=0, generator=rng()).abs() < 1e-10
        return
    with pytest.raises(ValueError, match=r"diverges: at step \d+ of size eta = 4.1"):
        chain(quadratic(1.0), x, eta=eta, steps=500, generator=rng())


def test_noise_on_its_own_scale_is_another_temperature():
    """E = ½x², noise τ in place of √η: variance τ²/η times as large. And none is descent."""
    n, eta, tau = 40_000, 0.2, 0.05
    x = chain(quadratic(1.0), torch.zeros(n, 1).double(), eta=eta, steps=80, noise=tau,
              generator=rng())
    expected = tau**2 / eta / (1 - eta / 4)
    assert x.var().item() == pytest.approx(expected, rel=5 * math.sqrt(2 / n))
    start = random(4, 3)
    end = chain(quadratic(1.0), start, eta=eta, steps=7, noise=0.0)
    assert torch.allclose(end, start * (1 - eta / 2)**7, atol=1e-14)


def test_a_clipped_gradient_moves_no_number_further_than_that():
    x = torch.tensor([[1000.0, 0.01]])
    end = chain(quadratic(1.0), x, eta=0.2, steps=1, noise=0.0, clip=0.5)
    assert torch.allclose(end, x - 0.1 * torch.tensor([[0.5, 0.01]]), atol=1e-6)


def test_a_path_is_the_chain_with_its_states():
    E, x = double_well, torch.randn(6, 2, generator=rng(1))
    states = path(E, x, eta=0.05, steps=9, generator=rng(2))
    assert states.shape == (10, 6, 2) and torch.equal(states[0], x)
    assert torch.equal(states[-1], chain(E, x, eta=0.05, steps=9, generator=rng(2)))
    assert torch.equal(states[4], chain(E, x, eta=0.05, steps=4, generator=rng(2)))
    assert torch.equal(chain(E, x, eta=0.05, steps=0), x)
    generator = rng(2)
    z = noise_like(x, generator)
    assert torch.equal(states[1], step(x, gradient(E, x), 0.05, z))
    images = torch.randn(2, 1, 4, 4, generator=rng(3))
    assert path(quadratic(1.0), images, eta=0.1, steps=3).shape == (4, 2, 1, 4, 4)


def test_a_double_well_is_visited_as_boltzmann_says():
    """E is 0 at (±1, 0), h at 0. P(|x_1| < ½) by a Riemann sum, within 5 standard errors of
    20,000 chains and 0.003 for η = 0.01 (halving η changes it by less)."""
    assert torch.allclose(double_well(torch.tensor([[1.0, 0], [-1, 0], [0, 0], [1, 2]]), 2.5),
                          torch.tensor([0, 0, 2.5, 2.0]))
    u = torch.linspace(-4, 4, 8001, dtype=torch.float64)
    p = torch.exp(-double_well(torch.stack([u, 0 * u], 1), 1.5))
    exact = (p[u.abs() < 0.5].sum() / p.sum()).item()
    x = chain(lambda x: double_well(x, 1.5), torch.randn(20_000, 2, generator=rng()), eta=0.01,
              steps=500, generator=rng(1))
    found = (x[:, 0].abs() < 0.5).double().mean().item()
    assert found == pytest.approx(exact, abs=5 * math.sqrt(exact / 20_000) + 0.003)
    assert x[:, 1].var().item() == pytest.approx(1 / (1 - 0.01 / 4), rel=0.05)


def test_a_mixture_is_a_density_with_its_own_score():
    law = Mixture(modes("ring").double(), 0.3, torch.softmax(random(8), 0))
    x = random(50, 2, seed=1)
    assert (law.score(x) + gradient(law.energy, x)).abs().max() < 1e-12
    axis = torch.linspace(-4, 4, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    p = law.log_prob(grid).exp() * 0.02**2         # a Riemann sum, nearly exact
    assert p.sum().item() == pytest.approx(1, abs=1e-8)
    assert torch.allclose(p @ grid, law.weights @ law.centres, atol=1e-8)
    one = Mixture(torch.zeros(1, 3).double(), 2.0)
    assert torch.allclose(one.score(random(5, 3)), -random(5, 3) / 4)
    assert one.energy(torch.zeros(1, 3).double()).item() == pytest.approx(
        1.5 * math.log(2 * math.pi * 4))


def test_noise_adds_to_each_gaussians_variance_and_draws_agree():
    law = Mixture(modes("grid"), STD)
    wide = law.smoothed(0.12)
    assert wide.std == pytest.approx(0.13) and wide.centres is law.centres
    x = law.sample(100_000, generator=rng()) + 0.12 * torch.randn(100_000, 2, generator=rng(1))
    y = wide.sample(100_000, generator=rng(2))
    total = 0.5 + 0.13**2                        # the variance of the centres, and that of each
    for z in (x, y):
        assert torch.allclose(z.var(0), torch.full((2,), total), rtol=5 * math.sqrt(2 / 100_000))
    assert torch.allclose(law.sample(100_000, generator=rng()).var(0),
                          toys("grid", 100_000, generator=rng()).var(0), rtol=0.03)
    points = random(7, 2)
    lone = Mixture(points, 0).smoothed(0.2)
    far = lone.score(points[:1] + 0.01)                        # near a datum, it is that one alone
    assert torch.allclose(far, torch.full_like(far, -0.01 / 0.04), atol=0.05)


def test_bad_input_gets_one_clear_error():
    x = torch.ones(3, 2)
    with pytest.raises(ValueError, match=r"An energy maps \(3, 2\) to \(3,\), and not to \(\)"):
        gradient(lambda x: x.sum(), x)
    for eta, steps in ((0.0, 3), (-0.1, 3), (math.nan, 3), (0.1, -1)):
        with pytest.raises(ValueError, match="size above 0"):
            chain(quadratic(1.0), x, eta=eta, steps=steps)
    with pytest.raises(ValueError, match="diverges: at step 1"):
        chain(lambda x: x.sum(1) * math.nan, x, eta=0.1, steps=3)
    for weights in (torch.ones(2) / 2, torch.tensor([0.5, 0.6, -0.1]), torch.ones(3)):
        with pytest.raises(ValueError, match="3 centres need"):
            Mixture(torch.zeros(3, 2), 1.0, weights)
