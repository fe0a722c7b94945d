"""Three losses with one gradient, by sums over a grid; annealed Langevin on data whose score is
known; a DDPM and an NCSN as one model."""
import math

import pytest
import torch
from gaussian import S2, M, exact_eps, law, rng

from course_lib.core import fit, load, warmup_cosine
from course_lib.data import batches
from course_lib.data.toys import STD, modes
from course_lib.diffusion.ddim import ddim_sample
from course_lib.diffusion.ddpm import simple_loss
from course_lib.diffusion.schedule import cosine, linear
from course_lib.ebm.energy_score import EnergyNCSN
from course_lib.ebm.langevin import chain, gradient
from course_lib.ebm.ncsn import NCSN, annealed_langevin, denoised, geometric, times, weighted_loss
from course_lib.ebm.plane import Mixture
from course_lib.ebm.score_matching import denoising, explicit, implicit, jacobian
from course_lib.ebm.vp_ve import denoiser_of, score_of, sigmas
from course_lib.evaluate import classify
from course_lib.nets import TimeMLP
from course_lib.nets.blocks import mlp
from course_lib.recipes import recipes, weights


def random(*shape, seed=0):
    return torch.randn(*shape, generator=rng(seed), dtype=torch.float64)


def grid(far=7.0, n=281):
    """Points of the plane, and the area of each."""
    axis = torch.linspace(-far, far, n, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis), (axis[1] - axis[0]).item()**2


def guess(seed=0):
    """A score that is wrong, with a curl: a small network in float64."""
    torch.manual_seed(seed)
    return mlp(2, 12, 2, activation=torch.nn.Tanh).double()


def slope(loss, net):
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(net.parameters()))])


DATA = random(5, 2, seed=4)


def test_the_jacobian_is_that_of_a_linear_map_and_of_a_polynomial():
    A, x = random(3, 3), random(7, 3, seed=1)
    out, J = jacobian(lambda x: x @ A.T, x)
    assert torch.equal(out, x @ A.T) and torch.allclose(J, A.expand(7, 3, 3))
    _, J = jacobian(lambda x: torch.stack([x[:, 0]**2, x[:, 0] * x[:, 1]], 1), x[:, :2])
    a, b = x[:, 0], x[:, 1]
    assert torch.allclose(J, torch.stack([torch.stack([2 * a, 0 * a], 1),
                                          torch.stack([b, a], 1)], 1))
    _, J = jacobian(lambda x: 0 * x.detach() + x[:, :1].expand(-1, 2), x[:, :2])
    assert torch.equal(J, torch.tensor([[1.0, 0], [1, 0]]).double().expand(7, 2, 2))


@pytest.mark.parametrize("seed", [0, 1])
def test_hyvarinens_loss_is_the_explicit_one_less_a_constant(seed):
    """Riemann sums of smooth functions that vanish at the ends are exact to rounding; the mixture
    is below 10⁻¹⁵ there."""
    p = Mixture(DATA, 0.6)
    x, area = grid()
    w, net = p.log_prob(x).exp() * area, guess(seed)
    score = p.score(x)
    asked, known = (w @ implicit(net, x)), (w @ explicit(net(x), score))
    constant = (w @ score.square().sum(1)).item() / 2
    assert (known - asked).item() == pytest.approx(constant, rel=1e-9) and constant > 0.5
    assert (slope(known, net) - slope(asked, net)).abs().max() < 1e-10


@pytest.mark.parametrize("seed", [0, 1])
def test_vincents_loss_is_the_explicit_one_on_the_smoothed_law_plus_a_constant(seed):
    """Enumerated over a data set of five, x̃ over a grid: the two differ by ½ (d/σ² − E ‖s*‖²), the
    denoising loss of the exact score s*, and have one gradient."""
    sigma, net = 0.6, guess(seed)
    q = Mixture(DATA, 0).smoothed(sigma)
    x, area = grid()
    w = Mixture(torch.zeros(1, 2).double(), sigma)
    score = q.score(x)
    known = (q.log_prob(x).exp() * area) @ explicit(net(x), score)
    of_each = [w.log_prob(x - datum).exp() * area / len(DATA) for datum in DATA]
    asked = lambda s: sum(p @ denoising(s, x, datum.expand_as(x), sigma)
                          for p, datum in zip(of_each, DATA))
    least = asked(score).item()
    assert (asked(net(x)) - known).item() == pytest.approx(least, rel=1e-10)
    fisher = (q.log_prob(x).exp() * area) @ score.square().sum(1)
    assert least == pytest.approx((2 / sigma**2 - fisher.item()) / 2, rel=1e-9) and least > 0.5
    assert (slope(known, net) - slope(asked(net(x)), net)).abs().max() < 1e-10


def test_the_exact_smoothed_score_is_a_mean_of_the_data_weighted_by_a_softmax():
    sigma, x = 0.4, random(20, 2, seed=5)
    p = torch.softmax(-torch.cdist(x, DATA)**2 / (2 * sigma**2), 1)
    score = Mixture(DATA, 0).smoothed(sigma).score(x)
    assert torch.allclose(score, (p @ DATA - x) / sigma**2, atol=1e-10)
    tweedie = denoised(lambda x, s: score, x, sigma)
    assert torch.allclose(tweedie, p @ DATA, atol=1e-10)


def test_on_a_gaussian_all_three_losses_are_known():
    """s(x) = −a x on N(0, v): explicit ½ (a − 1/v)² v, implicit ½ a² v − a a number of x, and
    denoising ½ ((a − 1/(v + σ²))² (v + σ²) + 1/σ² − 1/(v + σ²)). 200,000 draws: errors 2 %."""
    v, sigma, n = 0.7, 0.5, 200_000
    x = math.sqrt(v) * random(n, 1)
    x_tilde = x + sigma * random(n, 1, seed=1)
    u = v + sigma**2
    for a in (0.5, 1 / u, 2.0):
        s = lambda x, a=a: -a * x
        assert explicit(s(x), -x / v).mean().item() == pytest.approx(
            (a - 1 / v)**2 * v / 2, rel=0.02, abs=1e-9)
        assert implicit(s, x).mean().item() == pytest.approx(a * a * v / 2 - a, rel=0.02)
        assert denoising(s(x_tilde), x_tilde, x, sigma).mean().item() == pytest.approx(
            ((a - 1 / u)**2 * u + 1 / sigma**2 - 1 / u) / 2, rel=0.02)


def test_each_picture_has_its_own_level():
    x, z = random(3, 1, 4, 4), random(3, 1, 4, 4, seed=1)
    sigma = torch.tensor([0.1, 1.0, 3.0]).double()
    x_tilde = x + sigma.view(3, 1, 1, 1) * z
    together = denoising(0 * x, x_tilde, x, sigma)
    alone = [denoising(0 * x[:1], x_tilde[i:i + 1], x[i:i + 1], sigma[i].item()) for i in range(3)]
    assert torch.allclose(together, torch.cat(alone))
    assert torch.allclose(together, z.square().flatten(1).sum(1) / (2 * sigma**2))


@pytest.mark.parametrize("schedule", [linear(100), cosine(100)])
def test_the_weight_of_song_and_ermon_makes_the_loss_that_of_ddpm(schedule):
    """The same numbers from the same network, picture and noise, at each t."""
    net = TimeMLP(2, 16).double()
    x_0, z = random(6, 2), random(6, 2, seed=1)
    levels = sigmas(schedule)
    for t in (1, 30, 77, 99):
        at = torch.full((6,), t)
        eps_model = lambda x, t: net(x, t)
        ours = weighted_loss(score_of(eps_model, schedule), x_0, levels[at], z)
        theirs = simple_loss(eps_model, schedule, x_0, at, z)
        assert ours.item() == pytest.approx(theirs.item(), rel=1e-10)


def test_a_denoiser_and_a_score_are_one_thing():
    """Of data N(m, s²): −(x̃ − m)/(s² + σ²), and round the circle."""
    schedule = cosine(40)
    levels, eps_model = sigmas(schedule), exact_eps(schedule)
    score, x = score_of(eps_model, schedule), random(50, 1)
    back = denoiser_of(score, schedule)
    for t in (1, 13, 39):
        at = levels[t].expand(50)
        assert torch.allclose(score(x, at), -(x - M) / (S2 + at[:, None]**2), rtol=1e-9, atol=0)
        told = torch.full((50,), t)
        assert torch.allclose(back(x, told), eps_model(x, told), rtol=1e-9)
    assert levels[0] == 0 and torch.allclose(
        levels[1:]**2, 1 / schedule.snr[1:], rtol=1e-12)
    wrong = (torch.full((3,), 0.5 * (levels[5] + levels[6])), levels[5:8])
    for sigma in wrong:
        with pytest.raises(ValueError, match="none of the schedule's levels"):
            score(x[:3], sigma)
    with pytest.raises(ValueError, match="T = 40"):
        score_of(eps_model, cosine(50))


@pytest.mark.parametrize("steps", [40, 7])
def test_a_score_is_sampled_by_ddim(steps):
    schedule = cosine(40)
    ours = denoiser_of(lambda x, s: -(x - M) / (S2 + s[:, None]**2), schedule)
    short, x_T = schedule.respace(steps), random(20, 1)
    assert torch.allclose(ddim_sample(ours, short, x_T),
                          ddim_sample(exact_eps(schedule), short, x_T), atol=1e-9)


def test_a_networks_time_is_that_of_the_cosine_schedule():
    t = torch.arange(1, 995)
    assert torch.allclose(times(sigmas(cosine(1000, s=1e-9))[t]), t.double(), atol=1e-3)
    assert times(torch.tensor([0.0, 1.0, 1e9])).tolist() == pytest.approx([0, 500, 1000], abs=1e-3)


@pytest.mark.parametrize("steps, epsilon", [(1, 1e-3), (4, 5e-4)])
def test_annealed_langevin_on_a_gaussian_is_a_linear_recursion(steps, epsilon):
    """m ← m + k (μ − m), v ← (1 − k)² v + α, k = α/(2 (s² + σ²)); `law` reads both from draws."""
    levels = geometric(3, 0.05, 8)
    score = lambda x, s: -(x - M) / (S2 + s[:, None]**2)
    sample = lambda x, generator: annealed_langevin(score, levels, 3 * x, epsilon=epsilon,
                                                    steps=steps, generator=generator)
    mean, variance = 0.0, 9.0
    for sigma in levels.tolist():
        alpha = epsilon * sigma**2 / 0.05**2
        k = alpha / 2 / (S2 + sigma**2)
        for _ in range(steps):
            mean, variance = mean + k * (M - mean), (1 - k)**2 * variance + alpha
    assert law(sample, 8 * steps) == pytest.approx((mean, variance), rel=1e-9)


def test_one_level_of_annealed_langevin_is_a_langevin_chain():
    p, x = Mixture(DATA, 0.5), random(30, 2)
    ours = annealed_langevin(lambda x, s: p.score(x), geometric(0.3, 0.3, 1), x, epsilon=0.02,
                             steps=9, generator=rng(1))
    theirs = chain(p.energy, x, eta=0.02, steps=9, generator=rng(1))
    assert torch.allclose(ours, theirs, atol=1e-12)


def test_annealing_finds_how_heavy_modes_are_and_one_level_does_not():
    """Modes 4 apart of weights 0.8 and 0.2, exact scores, as many steps: between the modes there is
    no way at σ = 0.02, and each chain ends on the side where it started. Five standard errors of
    2,000 chains are 0.05; annealing is exact for many levels only, and gets 0.1 more."""
    p = Mixture(torch.tensor([[-2.0, 0], [2, 0]]), 0.3, torch.tensor([0.8, 0.2]))
    score = lambda x, s: p.smoothed(s[0].item()).score(x)
    start = 6 * torch.randn(2000, 2, generator=rng())
    left = lambda x: (x[:, 0] < 0).float().mean().item()
    levels = geometric(6, 0.02, 60)
    many = annealed_langevin(score, levels, start, epsilon=0.2 * 0.02**2, steps=8,
                             generator=rng(1))
    one = chain(p.energy, start, eta=0.03, steps=480, generator=rng(1))
    assert left(one) == pytest.approx(left(start), abs=0.03)
    assert left(many) == pytest.approx(0.8, abs=0.1)
    assert left(one) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("kind, out", [(NCSN, 2), (EnergyNCSN, 1)])
def test_a_network_learns_the_score_of_a_mixture(kind, out):
    """In 300 steps at least four fifths of it, in the mean square, at a level where modes are apart
    and at one where they are not."""
    p = Mixture(modes("ring")[::2], STD)
    torch.manual_seed(0)
    model = kind(TimeMLP(2, 64, out=out), geometric(2, 0.05, 20), (2,))
    fit(model, batches(p.sample(5000, generator=rng()), size=128), steps=300, lr=5e-3,
        schedule=warmup_cosine(), ema=0.98, device="cpu")
    with torch.no_grad(), model.averaged():
        for sigma in (0.3, 1.0):
            wide = p.smoothed(sigma)
            x = wide.sample(1000, generator=rng(1))
            off = model(x, torch.full((1000,), sigma)) - wide.score(x)
            assert off.square().mean() < 0.2 * wide.score(x).square().mean()
    x = model.sample(9, steps=1, generator=rng(2))
    assert x.shape == (9, 2) and torch.equal(x, model.sample(9, steps=1, generator=rng(2)))
    with pytest.raises(ValueError, match="unconditional"):
        model.sample(3, y=torch.zeros(3))


def test_the_score_of_an_energy_has_no_curl_and_a_free_one_has():
    sigma, x = torch.full((20,), 0.4).double(), random(20, 2)
    sizes = []
    for kind, out in ((NCSN, 2), (EnergyNCSN, 1)):
        torch.manual_seed(1)
        model = kind(TimeMLP(2, 32, out=out).double(), geometric(2, 0.05, 5), (2,))
        _, J = jacobian(lambda x, model=model: model(x, sigma), x)
        sizes.append(((J - J.mT).abs().max() / J.abs().max()).item())
    assert sizes[0] > 0.1 and sizes[1] < 1e-12
    E = lambda x: model.energy(x, sigma)
    assert torch.allclose(model(x, sigma), -gradient(E, x))
    model.loss(x, "model").backward()
    grads = [p.grad for p in model.parameters()]
    assert all(g is not None and g.isfinite().all() for g in grads[:-1])
    with torch.no_grad():
        assert not model(x, sigma).requires_grad


def test_the_losss_gradient_of_an_energy_is_that_of_differences():
    model = EnergyNCSN(TimeMLP(2, 8, out=1).double(), geometric(2, 0.05, 5), (2,))
    x, z, sigma = random(6, 2), random(6, 2, seed=1), torch.full((6,), 0.4).double()
    loss = lambda: weighted_loss(model, x, sigma, z)
    weight = model.net.net[0].weight
    slope, = torch.autograd.grad(loss(), weight)
    h = 1e-6
    with torch.no_grad():
        weight[0, 0] += h
        up = loss().item()
        weight[0, 0] -= 2 * h
        down = loss().item()
    assert (up - down) / (2 * h) == pytest.approx(slope[0, 0].item(), rel=1e-5)


def test_levels_are_drawn_alike_and_fall_by_the_same_factor():
    levels = geometric(20, 0.02, 7)
    assert torch.allclose(levels[:-1] / levels[1:], torch.tensor(10**0.5).double())
    assert (levels[0].item(), levels[-1].item()) == pytest.approx((20, 0.02))
    model = NCSN(TimeMLP(2, 8), levels, (2,))
    torch.manual_seed(0)
    sigma = torch.cat([model.draw(torch.zeros(35, 2))[0] for _ in range(20)])
    counts = torch.stack([(sigma - level).abs() < 1e-6 for level in levels.float()]).sum(1)
    assert counts.sum() == 700 and (counts == 100).all()


def test_what_ships_draws_digits_either_way():
    """A DDPM by annealed Langevin, and an NCSN by annealed Langevin and by DDIM: of 30 pictures
    each, the fixed classifier is sure (p > 0.9) of half or more, as it is of two thirds here, of
    96 % of MNIST's and of no picture of noise; and sees six kinds or more."""
    known = recipes()
    ddpm, ncsn = (load(known[name].make(), weights(name))
                  for name in ("diffusion_digits", "ncsn_digits"))
    chain_of = ddpm.schedule
    levels = sigmas(chain_of.respace(40))[1:].flip(0)
    levels = levels[(levels < 12) & (levels > 0.04)]
    score, x = score_of(ddpm, chain_of), torch.randn(30, 1, 28, 28, generator=rng())
    first, last = levels[0].item(), levels[-1].item()
    with torch.no_grad():
        x_L = annealed_langevin(score, levels, first * x, epsilon=0.4 * last**2, steps=2,
                                generator=rng(1))
        pictures = [denoised(score, x_L, last), ncsn.sample(30, generator=rng(2)),
                    ddim_sample(denoiser_of(ncsn, chain_of), chain_of.respace(20), x)]
    for one in pictures:
        log_p = classify(one)
        assert (log_p.max(1).values > math.log(0.9)).sum() >= 15
        assert len(log_p.argmax(1).unique()) >= 6


def test_bad_input_gets_one_clear_error():
    for first, last, L in ((1, 2, 5), (2, 0, 5), (2, 1, 0), (2, 1, 1), (1, 1, 2), (2, -1, 3)):
        with pytest.raises(ValueError, match="Noise falls"):
            geometric(first, last, L)
    levels, x = geometric(2, 0.1, 5), torch.ones(3, 2)
    with pytest.raises(ValueError, match="above 0"):
        annealed_langevin(lambda x, s: -x, levels, x, epsilon=0.0, steps=3)
    with pytest.raises(ValueError, match="diverges"):
        annealed_langevin(lambda x, s: -9 * x, levels, x, epsilon=0.1, steps=30)
    with pytest.raises(ValueError, match="diverges"):
        annealed_langevin(lambda x, s: x * math.nan, levels, x, epsilon=0.1, steps=1)
