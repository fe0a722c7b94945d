import csv
import math
from pathlib import Path

import pytest
import torch

from course_lib.core import fit, load
from course_lib.data import batches, digits, toys
from course_lib.ebm.ais import ais, base_rate
from course_lib.ebm.contrastive_divergence import expected_update, gibbs_kernel
from course_lib.ebm.rbm import RBM, PersistentRBM, bernoulli, states
from course_lib.evaluate import classify, fid
from course_lib.recipes import weights
from course_lib.recipes.rbm import digits_rbm

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
rng = lambda seed=0: torch.Generator().manual_seed(seed)
random = lambda *shape, seed=0: torch.randn(*shape, generator=rng(seed), dtype=torch.float64)


def machine(n_v=4, n_h=3, seed=0, scale=1.0, kind=RBM):
    """In float64, of couplings that matter."""
    model = kind((1, 1, n_v), n_h).double()
    for i, parameter in enumerate(model.parameters()):
        parameter.data = scale * random(*parameter.shape, seed=10 * seed + i)
    return model


def joint(model):
    """All v, all h, and p(v, h) from the energy alone."""
    n_v, n_h = model.W.shape
    v, h = states(n_v, model.W), states(n_h, model.W)
    E = torch.stack([model.energy(one.expand(len(h), -1), h) for one in v]).detach()
    return v, h, torch.exp(-E - torch.logsumexp(-E, (0, 1)))


SIZES = pytest.mark.parametrize("n_v, n_h", [(4, 3), (3, 5), (1, 1), (6, 1)])


def test_states_are_all_there_is():
    assert states(2, torch.zeros(1)).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert len(states(10, torch.zeros(1)).unique(dim=0)) == 1024


@SIZES
def test_free_energy_and_conditionals_are_those_of_the_enumerated_joint(n_v, n_h):
    model = machine(n_v, n_h)
    v, h, p = joint(model)
    p_v, p_h = p.sum(1), p.sum(0)
    assert (torch.softmax(-model.free_energy(v), 0) - p_v).abs().max() < 1e-14
    E = model.energy(v[:, None], h)
    assert (model.free_energy(v) + torch.logsumexp(-E, 1)).abs().max() < 1e-12
    assert (model.p_h(v) - p @ h / p_v[:, None]).abs().max() < 1e-12
    assert (model.p_v(h) - p.T @ v / p_h[:, None]).abs().max() < 1e-12
    assert model.log_Z().item() == pytest.approx(torch.logsumexp(-E, (0, 1)).item(), abs=1e-12)
    x = 2 * v.view(-1, 1, 1, n_v) - 1
    assert (model.log_prob(x) - p_v.log()).abs().max() < 1e-12


def test_log_Z_does_not_care_which_layer_is_summed_over():
    model = machine(13, 14)                             # over v, in pieces
    mirror = RBM((14,), 13).double()                    # and over h
    mirror.W.data, mirror.b.data, mirror.c.data = model.W.data.T, model.c.data, model.b.data
    assert model.log_Z().item() == pytest.approx(mirror.log_Z().item(), abs=1e-10)


@SIZES
def test_the_likelihoods_gradient_is_data_minus_model_statistics(n_v, n_h):
    model = machine(n_v, n_h)
    v, h, p = joint(model)
    p_0 = torch.softmax(random(len(v), seed=5), 0)
    mean = p_0 @ model.log_prob(2 * v - 1)
    slopes = dict(zip("Wbc", torch.autograd.grad(mean, [model.W, model.b, model.c])))
    given = p_0[:, None] * p / p.sum(1, keepdim=True)                     # p_0(v) p(h | v)
    statistics = {"W": torch.einsum("ab,ai,bj->ij", given - p, v, h),
                  "b": (given - p).sum(1) @ v, "c": (given - p).sum(0) @ h}
    exact = expected_update(model, p_0, None)
    for name in "Wbc":
        assert (slopes[name] - statistics[name]).abs().max() < 1e-12
        assert (slopes[name] - exact[name]).abs().max() < 1e-12


@SIZES
def test_block_gibbs_keeps_the_models_law_and_is_reversible(n_v, n_h):
    model = machine(n_v, n_h)
    p, K = joint(model)[2].sum(1), gibbs_kernel(model)
    assert (K.sum(1) - 1).abs().max() < 1e-12 and (K > 0).all()
    assert (p @ K - p).abs().max() < 1e-12
    flow = p[:, None] * K
    assert (flow - flow.T).abs().max() < 1e-12


def chi_squared(v, law):
    """Of draws against a law over states; above 70 for 15 degrees of freedom with odds of 4e-9."""
    index = (v @ 2.0 ** torch.arange(v.shape[1] - 1, -1, -1, dtype=v.dtype)).long()
    counts = torch.bincount(index, minlength=len(law))
    return ((counts - len(v) * law) ** 2 / (len(v) * law)).sum().item()


def test_the_chain_draws_from_its_kernel():
    model = machine(scale=0.7)
    K = gibbs_kernel(model)
    start = states(4, model.W)[6]
    for k, seed in ((1, 0), (3, 1)):
        v = model.gibbs(start.expand(20_000, -1), k, rng(seed))
        assert chi_squared(v, torch.linalg.matrix_power(K, k)[6]) < 70
    x = model.sample(20_000, generator=rng(2), steps=40)
    assert x.shape == (20_000, 1, 1, 4) and set(x.unique().tolist()) == {-1, 1}
    assert chi_squared((x.flatten(1) + 1) / 2, joint(model)[2].sum(1)) < 70


def test_contrastive_divergence_becomes_the_gradient_as_k_grows():
    """The error is a linear function of p_0 Kᵏ − p, which shrinks as the second eigenvalue of K to
    the k."""
    model = machine(seed=2, scale=1.5)
    p_0 = torch.softmax(random(16, seed=5), 0)
    exact = expected_update(model, p_0, None)
    error = lambda k: max((expected_update(model, p_0, k)[n] - exact[n]).abs().max() for n in "Wbc")
    second = torch.linalg.eigvals(gibbs_kernel(model)).abs().sort().values[-2]
    errors = [error(k) for k in (1, 2, 5, 15, 20)]
    assert errors[0] > 0.1 and (torch.stack(errors).diff() < 0).all()
    assert (errors[4] / errors[3]).item() == pytest.approx(second.item() ** 5, rel=1e-3)
    assert error(1000) < 1e-12
    assert all(not update.any() for update in expected_update(model, p_0, 0).values())


def test_contrastive_divergence_moves_away_from_the_best_biases():
    """With W and c held, log p is concave in b. At its maximum the likelihood's gradient in b
    vanishes, and CD's does not: it is biased. With the machine's own law as data both do."""
    model = machine(seed=1)
    v = states(4, model.W)
    p_0 = torch.softmax(random(16, seed=5), 0)
    for _ in range(200):                                      # steps of ½ and less curvature than 1
        model.b.data += 2 * expected_update(model, p_0, None)["b"]
    size = lambda k, p: expected_update(model, p, k)["b"].abs().max().item()
    assert size(None, p_0) < 1e-9
    assert size(1, p_0) > 1e-3 and size(1, p_0) > size(3, p_0) > 1e-6
    p = torch.softmax(-model.free_energy(v), 0).detach()
    assert all(update.abs().max() < 1e-12
               for k in (1, 2, 10, None) for update in expected_update(model, p, k).values())


@pytest.mark.parametrize("k", [1, 3])
def test_the_losss_gradient_is_minus_the_expected_update(k):
    """Over 40,000 draws of the chain: statistics in [0, 1] have errors below 0.5/√40,000 each, and
    the bound is five times √2 that."""
    model = machine()
    model.k = k
    v = states(4, model.W)
    p_0 = torch.softmax(random(16, seed=5), 0)
    which = torch.multinomial(p_0, 40_000, replacement=True, generator=rng())
    law = torch.bincount(which, minlength=16) / 40_000                        # of this very batch
    torch.manual_seed(0)
    model.loss((2 * v - 1)[which].view(-1, 1, 1, 4), "model").backward()
    for name, update in expected_update(model, law.double(), k).items():
        slope = getattr(model, name).grad
        assert (slope + update).abs().max() < 5 * 0.5 * math.sqrt(2 / 40_000)
        assert update.abs().max() > 0.02                          # and more than the bound


def test_persistent_chains_go_on_and_are_no_part_of_the_weights():
    model = machine(kind=PersistentRBM)
    model.chains = model.chains[:1].expand(20_000, -1).clone()
    x = torch.ones(5, 1, 1, 4)
    torch.manual_seed(0)
    for _ in range(30):
        loss = model.loss(x, "model")
    assert chi_squared(model.chains, joint(model)[2].sum(1)) < 70
    expected = model.free_energy(model.visible(x)).mean() - model.free_energy(model.chains).mean()
    assert torch.equal(loss, expected)
    assert set(model.state_dict()) == {"W", "b", "c"} and not model.chains.requires_grad


def test_a_trained_machine_draws_bars():
    """30 pictures: −3.4 nats an image is the best, −11.1 is a guess of all 2^16. Of 500 guesses
    0.2 are right."""
    x = toys("bars", 1000, generator=rng())
    torch.manual_seed(0)
    model = PersistentRBM((1, 4, 4), 16)
    start = model.log_prob(x).mean().item()
    fit(model, batches(x, size=100), steps=800, lr=0.03, schedule=lambda share: 1 - share,
        device="cpu")
    assert start == pytest.approx(-11.1, abs=0.1)
    assert -6 < model.log_prob(x).mean().item() < -3.37
    drawn = model.sample(500, generator=rng(1), steps=200)
    known = {tuple(one.flatten().tolist()) for one in x}
    assert sum(tuple(one.flatten().tolist()) in known for one in drawn) > 100


@pytest.mark.parametrize("seed", range(4))
def test_ais_agrees_with_enumeration(seed):
    """Within five of its own standard errors, which are small themselves."""
    model = machine(12, 8, seed, scale=0.8)
    exact = model.log_Z().item()
    v = bernoulli(torch.full((50, 12), 0.3).double(), rng(seed))
    for b_0 in (None, base_rate(v)):
        estimate = ais(model, b_0=b_0, betas=300, runs=300, generator=rng(seed))
        assert 0 < estimate.error < 0.06
        assert abs(estimate.log_Z - exact) < 5 * estimate.error
        assert len(estimate.log_w) == 300


def test_the_standard_error_of_ais_is_what_it_says():
    """RMS of 60 errors over their standard errors: 1 ± 0.09, here within four of these."""
    model = machine(6, 4, scale=0.8)
    exact = model.log_Z().item()
    z = [(estimate.log_Z - exact) / estimate.error for estimate in
         (ais(model, betas=30, runs=200, generator=rng(seed)) for seed in range(60))]
    assert math.sqrt(sum(one**2 for one in z) / 60) == pytest.approx(1, abs=0.37)


def test_ais_without_annealing_is_importance_sampling_and_still_unbiased():
    """With two betas w = p*(v)/p*_0(v), v of the base rate."""
    model = machine(scale=0.5)
    estimate = ais(model, betas=2, runs=200_000, generator=rng())
    assert abs(estimate.log_Z - model.log_Z().item()) < 5 * estimate.error < 0.02
    v = states(4, model.W)
    weights = -model.free_energy(v).detach() - 3 * math.log(2)
    assert all(torch.isclose(weights, w).any() for w in estimate.log_w.unique())


def test_ais_is_exact_where_the_machine_is_its_base_rate():
    model = machine()
    model.W.data.zero_(), model.c.data.zero_()
    estimate = ais(model, b_0=model.b.data, betas=5, runs=10, generator=rng())
    assert estimate.log_Z == pytest.approx(model.log_Z().item(), abs=1e-12)
    assert estimate.error < 1e-12


def test_greys_are_probabilities_and_binary_pictures_are_themselves():
    model, x = RBM((1, 28, 28), 5), digits().images[:50]
    v = model.visible(x, rng())
    assert v.shape == (50, 784) and set(v.unique().tolist()) == {0, 1}
    p = (x.flatten(1) + 1) / 2
    grey = (p > 0.3) & (p < 0.7)
    assert abs((v - p)[grey].mean()) < 5 * 0.5 / math.sqrt(grey.sum())
    assert torch.equal(model.visible(2 * v - 1), v)


def test_sampling_is_reproducible_and_knows_no_class():
    model = RBM((1, 4, 4), 6)
    draw = lambda: model.sample(3, generator=rng(1), steps=5)
    assert torch.equal(draw(), draw()) and draw().shape == (3, 1, 4, 4)
    with pytest.raises(ValueError, match="unconditional"):
        model.sample(3, y=torch.zeros(3))


def test_the_mean_of_a_step_is_what_its_draws_come_to():
    """From h's mean, not from a draw of h: here c is so large that both are one."""
    model = digits_rbm(3)
    model.W.data, model.c.data = torch.randn(784, 3, generator=rng()), torch.full((3,), 200.0)
    x = torch.ones(1, 1, 28, 28)
    drawn = model.gibbs(model.visible(x).expand(10_000, -1), 1, rng()).mean(0)
    off = (2 * drawn - 1).view_as(x) - model.mean(x)
    assert off.abs().max() < 2 * 5 * 0.5 / 100                # five errors of 784 shares, doubled
    assert torch.equal(model.mean(x), 2 * model.p_v(torch.ones(1, 3)).view_as(x) - 1)


def test_the_shipped_machine_goes_on_from_its_chains_and_draws_all_digits():
    model = load(digits_rbm(), weights("rbm_digits"))
    assert torch.equal(model.sample(5, steps=0), model.mean(2 * model.chains[:5].view(5, 1, 28, 28)
                                                            - 1))
    x = model.sample(400, generator=rng(), steps=100)
    assert x.shape == (400, 1, 28, 28) and x.abs().max() <= 1 and len(x.unique()) > 1000
    again = lambda: model.sample(120, generator=rng(1), steps=2)
    assert torch.equal(again(), again())
    assert torch.bincount(classify(x).argmax(1), minlength=10).min() > 12     # of 400; 40 are even
    assert fid(x) < 80                                   # a Gaussian mixture of digits has 164
    with pytest.raises(ValueError, match="unconditional"):
        model.sample(3, y=torch.zeros(3))


def measured(table, what, **which):
    """One column of a table of results, by seed, of the rows that these columns name."""
    with open(RESULTS / f"{table}.csv") as file:
        rows = [row for row in csv.DictReader(file) if which.items() <= row.items()]
    assert [row["seed"] for row in rows] == ["0", "1", "2"]
    return torch.tensor([float(row[what]) for row in rows])


def test_a_reconstruction_that_gets_better_while_the_likelihood_falls_was_measured():
    at = lambda step, what: measured("rbm_curve", what, method="CD-1", updates="4000", step=step)
    assert (at("4000", "reconstruction") < at("1200", "reconstruction") - 3).all()
    assert (at("4000", "log_p_test") < at("1200", "log_p_test") - 5).all()


def test_persistent_chains_and_longer_ones_were_measured_to_give_more_likelihood():
    log_p = lambda method, n: measured("rbm", "log_p_test", method=method, updates=n)
    at_equal_time = log_p("PCD", "4000"), log_p("CD-10", "1200"), log_p("CD-1", "4000")
    assert (torch.stack(at_equal_time).diff(dim=0) < -4).all()
    assert (log_p("CD-10", "4000") > log_p("PCD", "4000") + 5).all()           # at equal updates
    assert (measured("rbm", "ais_error", method="PCD", updates="4000") < 1).all()


def test_the_bias_of_contrastive_divergence_was_measured_to_grow_on_the_way():
    cosine = lambda k, step: measured("rbm_bias", "cosine", weights="trained, steps", k=k,
                                      size=step)
    assert (cosine("1", "10") > 0.99).all() and (cosine("1", "1000") < 0.5).all()
    assert (cosine("50", "1000") > 0.99).all()
    lost = lambda k: measured("rbm_fixed_points", "lost", hidden_units="4", start="maximum", k=k)
    assert (lost("1") > 0.004).all() and (lost("10").abs() < 0.001).all()      # nats: not much


def test_bad_input_gets_one_clear_error():
    for p in (torch.tensor([0.5, 1.1]), torch.tensor([-0.1]), torch.tensor([math.nan])):
        with pytest.raises(ValueError, match="probability"):
            bernoulli(p)
    with pytest.raises(ValueError, match="probability"):
        RBM((1, 2, 2), 3).loss(torch.full((5, 1, 2, 2), 1.5), "model")
    with pytest.raises(ValueError, match="too many to enumerate"):
        RBM((1, 28, 28), 21).log_prob(torch.ones(1, 1, 28, 28))
    with pytest.raises(ValueError, match="binarise"):
        RBM((1, 2, 2), 3).log_prob(torch.zeros(1, 1, 2, 2))
    with pytest.raises(ValueError, match="too large"):
        gibbs_kernel(RBM((11,), 2))
    with pytest.raises(ValueError, match="sum to 1"):
        expected_update(machine(), torch.ones(16).double(), 1)
    with pytest.raises(ValueError, match="between"):
        base_rate(torch.tensor([[2.0]]))
    for betas in (torch.tensor([0.0, 0.5]), torch.tensor([0.0, 0.6, 0.5, 1.0]), 1):
        with pytest.raises(ValueError, match="rise"):
            ais(machine(), betas=betas)
