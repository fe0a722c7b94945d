"""Deep Generator Networks: the ascent finds known maxima, keeps its bounds, leaves the networks as
they were; DeePSiM's game moves the right player."""
import copy
import math

import pytest
import torch
from torch import nn

from course_lib import evaluate
from course_lib.core import load
from course_lib.data import digits
from course_lib.gan.activation_maximisation import (
    activation,
    best,
    code_norm,
    gaussian,
    maximise,
    smoothness,
)
from course_lib.gan.deepsim import DeePSiM
from course_lib.nets import CodeD, ConvE, UpconvG
from course_lib.recipes import weights
from course_lib.recipes.deepsim import digits_deepsim

ZERO = lambda n: torch.zeros(n, dtype=torch.int64)


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def linear(w):
    return lambda x: x.flatten(1) @ w


def test_a_unit_is_chosen_row_by_row_and_several_are_averaged():
    logits = noise(3, 5)
    assert torch.equal(activation(logits, torch.tensor([4, 0, 2])), logits[range(3), [4, 0, 2]])
    both = activation(logits, torch.tensor([[4, 1]] * 3))
    assert torch.allclose(both, (logits[:, 4] + logits[:, 1]) / 2)


@pytest.mark.parametrize("unit, message", [
    (torch.tensor([0, 5]), "units 0 to 4, but unit holds 0 to 5"),
    (torch.tensor([-1, 2]), "holds -1 to 2"),
    (torch.tensor([0.0, 1.0]), "whole numbers"),
    (torch.tensor([0]), "one row a code"),
    (torch.zeros(2, 1, 1, dtype=torch.int64), "one row a code")])
def test_units_that_do_not_exist_are_refused(unit, message):
    with pytest.raises(ValueError, match=message):
        activation(noise(2, 5), unit)


@pytest.mark.parametrize("prior", [code_norm, gaussian, smoothness])
def test_a_negative_weight_of_a_prior_is_refused_at_once(prior):
    for lam in (-0.1, math.nan):
        with pytest.raises(ValueError, match="The weight of a prior is 0 or more"):
            prior(lam)


def test_priors_are_densities_up_to_a_constant_and_highest_where_they_say():
    z = noise(6, 4)
    normal = torch.distributions.Normal(torch.zeros(4, dtype=torch.float64), 1.0)
    difference = gaussian()(z) - normal.log_prob(z).sum(1)
    assert torch.allclose(difference, difference[:1].expand(6), atol=1e-12)
    assert torch.allclose(code_norm(0.3)(2 * z), 2 * code_norm(0.3)(z))
    x = noise(2, 3, 5, 4)
    assert torch.allclose(smoothness(0.5)(x + 7), smoothness(0.5)(x))
    assert torch.allclose(smoothness(0.5)(-2 * x), 4 * smoothness(0.5)(x))
    assert torch.equal(smoothness(0.5)(torch.ones(1, 1, 3, 3)), torch.zeros(1))
    spot = torch.zeros(1, 1, 3, 3)
    spot[0, 0, 1, 1] = 2.0                                    # four neighbours, 2² each
    assert smoothness(0.5)(spot).item() == -8.0


def test_the_norm_of_the_zero_code_has_no_nan_gradient():
    ascent = maximise(linear(torch.zeros(3, 2)), ZERO(1), torch.zeros(1, 3), prior=code_norm(1.0))
    assert torch.equal(ascent.code, torch.zeros(1, 3))


def test_a_step_goes_lr_on_average_uphill_and_the_rate_falls_linearly():
    w, start, codes = noise(4, 2), noise(3, 4), []
    maximise(linear(w), torch.tensor([1, 0, 1]), start, steps=5, lr=0.7, end_lr=0.2,
             on_step=lambda k, h: codes.append(h))
    steps = torch.stack(codes).diff(dim=0)                                       # (5, 3, 4)
    assert torch.allclose(steps.abs().mean(2), torch.linspace(0.7, 0.3, 5).double()[:, None])
    directions = nn.functional.cosine_similarity(steps, w.T[[1, 0, 1]].expand(5, 3, 4), dim=2)
    assert torch.allclose(directions, torch.ones(5, 3).double())


def test_without_a_prior_a_linear_unit_runs_into_the_corner_of_its_bounds():
    w, low, high = noise(4, 2), torch.zeros(4).double(), torch.tensor([1.0, 0, 3, 2]).double()
    ascent = maximise(linear(w), ZERO(2), noise(2, 4), bounds=(low, high), lr=1.0)
    assert torch.equal(ascent.code, torch.where(w[:, 0] > 0, high, low).expand(2, 4))
    assert torch.equal(ascent.activations[-1], ascent.x @ w[:, 0])


def test_with_the_gaussian_prior_it_finds_the_mode_of_p_of_z_times_exp_phi():
    # Φ = aᵀz with p(z) = N(0, I): the mode of p(z) exp Φ is a. The last step is lr/steps.
    a = noise(4, 1, seed=2)
    ascent = maximise(linear(a), ZERO(2), noise(2, 4), prior=gaussian(), lr=0.1, steps=200)
    assert (ascent.code - a.T).abs().max() < 1e-2
    heavier = maximise(linear(a), ZERO(2), noise(2, 4), prior=gaussian(4.0), lr=0.1, steps=200)
    assert (heavier.code - a.T / 4).abs().max() < 1e-2


def test_a_row_never_looks_at_another():
    w, start = noise(4, 3), noise(3, 4)
    phi, unit = lambda x: torch.tanh(x @ w), torch.tensor([2, 0, 1])
    together = maximise(phi, unit, start, prior=code_norm(0.1), steps=20)
    for i in range(3):
        alone = maximise(phi, unit[i:i + 1], start[i:i + 1], prior=code_norm(0.1), steps=20)
        assert torch.allclose(alone.code[0], together.code[i], atol=1e-12)


def test_a_code_stops_where_it_is_excited_enough_and_the_run_once_all_are():
    w = torch.eye(2).double()
    ascent = maximise(linear(w), ZERO(2), torch.zeros(2, 2).double(), lr=0.5, end_lr=0.5,
                      enough=torch.tensor([1.2, 2.6]))
    # g = (1, 0) has the mean size 1/2, so a step is 1.
    assert torch.equal(ascent.activations[:, 0], torch.tensor([0.0, 1, 2, 2]).double())
    assert torch.equal(ascent.activations[:, 1], torch.tensor([0.0, 1, 2, 3]).double())


def test_noise_is_langevin_without_an_ascent():
    # Where Φ is flat, n codes walk by noise·√steps; the variance's relative spread is √(2/n).
    start = torch.zeros(4000, 1)
    walk = maximise(linear(torch.zeros(1, 1)), ZERO(4000), start, noise=0.3, steps=25,
                    generator=torch.Generator().manual_seed(0)).code
    assert abs(walk.var().item() / (25 * 0.09) - 1) < 5 * math.sqrt(2 / 4000)


def test_the_networks_are_left_as_they_were():
    E, G = ConvE(), UpconvG().eval()
    states = copy.deepcopy((E.state_dict(), G.state_dict()))
    start = torch.rand(2, 64)
    kept = start.clone()
    maximise(E, ZERO(2), start, G=G, bounds=(0.0, 1.0), steps=3)
    assert torch.equal(start, kept)
    for net, state in zip((E, G), states):
        assert all(torch.equal(value, state[key]) for key, value in net.state_dict().items())
        assert all(p.grad is None and p.requires_grad for p in net.parameters())
    assert E.training and not G.training


@pytest.mark.parametrize("arguments, message", [
    ({"G": UpconvG(), "start": torch.zeros(2, 63)}, "G does not take codes of shape"),
    ({"G": UpconvG(3, 16), "start": torch.zeros(2, 64)}, "the classifier does not take"),
    ({"start": torch.zeros(2, 1, 28, 28), "bounds": (1.0, 0.0)}, "lower bound lies above"),
    ({"start": torch.zeros(2, 1, 28, 28), "noise": -1.0}, "noise is a standard deviation"),
    ({"start": torch.zeros(2, 1, 28, 28), "unit": torch.tensor([0, 10])}, "units 0 to 9")])
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        maximise(ConvE(), **({"unit": ZERO(2), "steps": 1} | arguments))


def test_the_best_start_of_each_unit():
    ascent = maximise(linear(torch.eye(2).double()), torch.tensor([0, 0, 0, 1, 1, 1]), noise(6, 2),
                      steps=0)
    two = best(ascent, 3)
    assert torch.equal(two.activations[-1], ascent.activations[-1].view(2, 3).max(1).values)
    assert torch.equal(two.code[:, 0][:1], two.activations[-1][:1])
    for starts in (4, 0):
        with pytest.raises(ValueError, match="not a whole number of rows"):
            best(ascent, starts)


def test_each_player_of_the_inverter_moves_alone():
    torch.manual_seed(0)
    model, x = DeePSiM(ConvE(), UpconvG(), CodeD()), noise(4, 1, 28, 28).float().tanh()
    owned = {name: {id(p) for p in own} for name, own in model.players().items()}
    assert not owned["D"] & owned["G"]
    assert not (owned["D"] | owned["G"]) & {id(p) for p in model.E.parameters()}
    for player in owned:
        model.zero_grad()
        model.loss(x, player).backward()
        assert all(p.grad is not None for p in model.players()[player])
    model.zero_grad()
    model.loss(x, "D").backward()
    assert all(p.grad is None for p in [*model.G.parameters(), *model.E.parameters()])


class Copy(nn.Module):
    """G whose picture has exactly the code's features: the image itself."""

    n_h = 64

    def __init__(self, x):
        super().__init__()
        self.x = nn.Parameter(x)

    def forward(self, h):
        return self.x


def test_a_perfect_inverter_pays_for_the_discriminator_alone():
    torch.manual_seed(0)
    x = noise(4, 1, 28, 28).float().tanh()
    D = CodeD().eval()
    model = DeePSiM(ConvE(), Copy(x), D, lam_adv=0.5)
    expected = 0.5 * nn.functional.softplus(-D(x, model.E.features(x))).mean()
    assert torch.allclose(model.loss(x, "G"), expected)
    model.lam_adv = 0.0
    assert model.loss(x, "G").item() == 0
    half = DeePSiM(model.E, Copy(x + 0.1), D, lam_feat=0.0, lam_adv=0.0, lam_img=2.0)
    assert math.isclose(half.loss(x, "G").item(), 0.02, rel_tol=1e-4)


def test_codes_of_another_length_are_refused():
    with pytest.raises(ValueError, match="64 features, but G takes codes of 32"):
        DeePSiM(ConvE(), UpconvG(n_h=32), CodeD())


def test_what_ships_draws_digits_that_an_independent_judge_reads():
    model = load(digits_deepsim(), weights("deepsim_digits")).eval()
    data = digits(split="test")
    x, y = data.images[:500], data.labels[:500]
    seen = evaluate.classify(model.invert(x)).argmax(1) == y
    assert seen.float().mean() > 0.9                         # 0.95 when they were made
    assert torch.allclose(model.sigma, model.E.features(digits().images[:5000]).std(0), rtol=1e-3)
    code = model.E.features(digits().images[:10]).detach()
    ascent = maximise(model.E, torch.arange(10), code, G=model.G, prior=gaussian(0.0075), lr=0.6,
                      bounds=(0.0, 3 * model.sigma), steps=100)
    assert (ascent.activations[-1] > ascent.activations[0]).all()
    assert (evaluate.classify(ascent.x).argmax(1) == torch.arange(10)).sum() >= 8
