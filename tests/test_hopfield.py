import csv
import math
from pathlib import Path

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from course_lib.data import digits
from course_lib.ebm import capacity, hopfield

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results" / "hopfield_capacity.csv"
rng = lambda seed=0: torch.Generator().manual_seed(seed)
spins = lambda *shape, seed=0: 2.0 * torch.randint(2, shape, generator=rng(seed)) - 1
ALL = 2.0 * ((torch.arange(2**10)[:, None] >> torch.arange(10)) & 1) - 1          # (1024, 10)


def couplings(n, seed=0):
    """Whole numbers, symmetric, of both signs, some of them 0."""
    w = torch.randint(-3, 4, (n, n), generator=rng(seed)).float().triu(1)
    return w + w.T


def test_a_lone_pattern_and_its_mirror_are_the_only_states_of_least_energy():
    xi = spins(1, 10)
    E = hopfield.energy(hopfield.store(xi), ALL)
    assert E.min() == -45 and (E == -45).sum() == 2                         # −n (n − 1)/2
    assert hopfield.energy(hopfield.store(xi), torch.stack([xi[0], -xi[0]])).tolist() == [-45, -45]


def test_storing_is_a_sum_over_patterns_without_self_coupling():
    xi = spins(5, 12)
    w = hopfield.store(xi)
    assert torch.equal(w, sum(hopfield.store(one[None]) for one in xi))
    assert torch.equal(w, w.T) and not w.diagonal().any()
    assert torch.equal(w, hopfield.store(-xi[torch.randperm(5, generator=rng())]))
    assert torch.equal(w, hopfield.store(xi.long()))


@pytest.mark.parametrize("seed", range(3))
def test_each_change_of_one_unit_lowers_the_energy_by_twice_its_field(seed):
    w, s = couplings(20, seed), spins(200, 20, seed=seed)
    for i in torch.randperm(20, generator=rng(seed)):
        s_next = hopfield.asynchronous(w, s, i[None])
        fall = hopfield.energy(w, s) - hopfield.energy(w, s_next)
        changed = (s_next != s).any(1)
        assert torch.equal(fall, torch.where(changed, 2 * (s @ w[i]).abs(), 0.0))     # no rounding
        assert changed.any() and (fall[changed] > 0).all()
        s = s_next


def test_recall_ends_where_no_single_change_lowers_the_energy():
    w = couplings(10)
    s = hopfield.recall(w, ALL, generator=rng())
    E = hopfield.energy(w, s)
    for i in range(10):
        flipped = s.clone()
        flipped[:, i] *= -1
        assert (hopfield.energy(w, flipped) >= E).all()
    assert (E <= hopfield.energy(w, ALL)).all()
    assert len(s.unique(dim=0)) > 2 and E.min() == hopfield.energy(w, ALL).min()


def test_units_without_a_field_stay_as_they_are():
    w, s = torch.zeros(6, 6), spins(4, 6)
    assert torch.equal(hopfield.recall(w, s), s) and torch.equal(hopfield.synchronous(w, s), s)


def test_a_pattern_is_recalled_from_three_quarters_of_its_bits():
    """Load 0.02: the signal ½ stands against crosstalk of 0.14, and then 1 against as much."""
    xi = spins(8, 400)
    hit = torch.rand(8, 400, generator=rng(1)) < 0.25
    damaged = torch.where(hit, -xi, xi)
    w = hopfield.store(xi)
    assert torch.equal(hopfield.recall(w, damaged, generator=rng()), xi)
    assert torch.equal(hopfield.recall(w, -damaged, generator=rng()), -xi)
    assert torch.equal(hopfield.recall(w, damaged[0], generator=rng()), xi[0])      # one, unbatched
    one, two = hopfield.recall_synchronous(w, damaged)
    assert torch.equal(one, xi) and torch.equal(two, xi)


def test_ten_corrupted_digits_are_recalled_where_hebbs_rule_mixes_them_up():
    images, labels = digits()
    xi = torch.stack([images[labels == y][0].flatten().sign() for y in range(10)])
    hit = torch.rand(xi.shape, generator=rng()) < 0.2
    damaged, w = torch.where(hit, -xi, xi), hopfield.store_correlated(xi)
    assert torch.equal(hopfield.synchronous(w, xi), xi)
    assert torch.equal(hopfield.recall(w, damaged, generator=rng()), xi)
    mixed = hopfield.recall(hopfield.store(xi), damaged, generator=rng())
    assert not (mixed == xi).all(1).any()


def test_both_rules_are_one_where_patterns_are_orthogonal():
    xi = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1]])
    assert (hopfield.store(xi) - hopfield.store_correlated(xi)).abs().max() < 1e-6


def test_all_units_at_once_may_go_round_in_twos():
    w = -torch.ones(2, 2).fill_diagonal_(0)                  # two units that want to differ
    s = torch.ones(1, 2)
    one, two = hopfield.recall_synchronous(w, s)
    assert torch.equal(one, -two) and torch.equal(hopfield.synchronous(w, two), one)
    assert hopfield.energy(w, hopfield.recall(w, s)) == -1


@pytest.mark.parametrize("seed", range(3))
def test_all_units_at_once_never_go_round_in_more_than_twos(seed):
    w, s = couplings(16, seed), spins(500, 16, seed=seed)
    one, two = hopfield.recall_synchronous(w, s)
    assert torch.equal(hopfield.synchronous(w, one), two)
    assert torch.equal(hopfield.synchronous(w, two), one)
    cycles = (one != two).any(1)
    assert 0 < cycles.sum() < 500
    rises, before = False, math.inf
    for _ in range(20):
        s_next = hopfield.synchronous(w, s)
        pair = -((s @ w) * s_next).sum(1)                       # what never rises
        assert (pair <= before).all()
        rises |= bool((hopfield.energy(w, s_next) > hopfield.energy(w, s)).any())
        before, s = pair, s_next
    assert rises                                                # the energy itself may


def test_a_mixture_of_three_patterns_is_stable_and_is_none_of_them():
    """Bits agree with each pattern with probability ¾: m = ½ ± √(¾/n), here within four of these;
    E = −½ n² Σ m² up to O(np), so ¾ of a memory's."""
    n = 2000
    xi = spins(3, n)
    w, s = hopfield.store(xi), hopfield.mixture(xi)
    assert torch.equal(hopfield.recall(w, s), s) and torch.equal(hopfield.recall(w, -s), -s)
    assert (hopfield.overlap(s, xi) - 0.5).abs().max() < 4 * math.sqrt(0.75 / n)
    ratio = hopfield.energy(w, s) / hopfield.energy(w, xi)
    assert (ratio - 0.75).abs().max() < 0.05
    other = hopfield.mixture(xi * torch.tensor([[1.0], [-1.0], [1.0]]))
    assert torch.equal(hopfield.recall(w, other), other)


def test_temperature_leads_to_boltzmanns_law():
    """χ² of 40,000 chains over the 16 states of four units: 15 degrees of freedom, above 70 with
    probability 4e-9. Sixteen sweeps at T = 2 forget the start."""
    w, T = hopfield.store(spins(2, 4, seed=3)), 2.0
    states = ALL[:16, :4]
    law = torch.softmax(-hopfield.energy(w, states) / (4 * T), 0)
    order = torch.randperm(4, generator=rng()).repeat(16)
    s = hopfield.asynchronous(w, spins(40_000, 4), order, T, generator=rng(1))
    counts = ((s @ states.T) == 4).sum(0)
    assert law.max() > 2 * law.min() and counts.sum() == 40_000
    assert ((counts - 40_000 * law) ** 2 / (40_000 * law)).sum() < 70


def test_no_temperature_is_the_limit_of_a_low_one():
    w, s, order = hopfield.store(spins(3, 10)), spins(50, 10), torch.arange(10)
    assert (s @ w != 0).all()                                 # 27 odd numbers: there are no ties
    assert torch.equal(hopfield.asynchronous(w, s, order, 1e-6, rng()),
                       hopfield.asynchronous(w, s, order))


def test_the_theory_of_many_patterns_solves_its_equations_and_ends_at_0_138():
    x = torch.linspace(0.5, 6, 20_000, dtype=torch.float64)
    alpha, m = capacity.solutions(x)
    # their equations of m, C and r
    r = (m / x) ** 2 / (2 * alpha)
    C = (2 / (math.pi * alpha * r)).sqrt() * torch.exp(-m**2 / (2 * alpha * r))
    assert (r * (1 - C) ** 2 - 1).abs().max() < 1e-9
    loads, m = capacity.memories()
    assert loads[0].item() == pytest.approx(0.138, abs=5e-4) and (loads.diff() < 0).all()
    assert (1 - m[0]).item() / 2 == pytest.approx(0.016, abs=5e-4)
    # few patterns: little follows from the first wrong bits
    ratios = [capacity.wrong_bits(load) / capacity.one_step(load) for load in (0.05, 0.1, 0.1379)]
    assert 1 < ratios[0] < 1.01 < ratios[1] < 1.5 < 3 < ratios[2]
    for bad in (0.139, -0.1, math.nan):
        with pytest.raises(ValueError, match="exist at loads"):
            capacity.wrong_bits(bad)
    with pytest.raises(ValueError, match="above 0"):
        capacity.one_step(0)


def test_one_step_from_a_memory_goes_wrong_as_often_as_crosstalk_says():
    """P(h_i ξ_i < 0) = ½ erfc(1/√(2α)) as n → ∞: 0.36 % at α = 0.138; of 138,000 bits, ± 0.016 %
    were they independent; four times that, and as much for n < ∞."""
    xi = spins(138, 1000)
    wrong = (hopfield.synchronous(hopfield.store(xi), xi) != xi).double().mean().item()
    assert wrong == pytest.approx(capacity.one_step(0.138), abs=8e-4)


def test_capacity_is_what_was_measured():
    """At n = 1000 and a load of 0.138 few memories are perfect and most are near; then they go."""
    with open(RESULTS) as file:
        rows = [row for row in csv.DictReader(file) if row["n"] == "1000"]
    at = lambda load, what: [float(row[what]) for row in rows if row["load"] == load]
    assert len(at("0.138", "perfect")) == 3 and all(one <= 0.06 for one in at("0.138", "perfect"))
    assert all(one == pytest.approx(0.01, abs=0.005) for one in at("0.138", "wrong_bits_kept"))
    assert all(one < 0.1 for one in at("0.138", "lost"))
    assert all(one > 0.97 for one in at("0.05", "perfect"))
    assert all(one > 0.9 for one in at("0.2", "lost"))


@pytest.mark.parametrize("n", ["1000", "2000"])
def test_memories_are_perfect_as_often_as_independent_units_would_be(n):
    """Of 300 patterns a load: within four standard errors, and 0.02 for what units share."""
    with open(RESULTS) as file:
        rows = [row for row in csv.DictReader(file) if row["n"] == n]
    for load in sorted({row["load"] for row in rows}):
        runs = [float(row["perfect"]) for row in rows if row["load"] == load]
        p = capacity.perfect(float(load), int(n))
        error = math.sqrt(p * (1 - p) / 300)
        assert len(runs) == 3 and sum(runs) / 3 == pytest.approx(p, abs=4 * error + 0.02)
    assert capacity.perfect(0.138, 1000) == pytest.approx(0.03, abs=0.005)
    assert capacity.perfect(0.138, 1) == 1 - capacity.one_step(0.138)


def table(name, *keys):
    """Rows of a table of results by their values of `keys`, three seeds each."""
    found = {}
    with open(RESULTS.with_name(f"{name}.csv")) as file:
        for row in csv.DictReader(file):
            found.setdefault(tuple(row[key] for key in keys), []).append(row)
    assert all(len(rows) == 3 for rows in found.values())
    return lambda what, *values: [float(row[what]) for row in found[values]]


def test_where_random_states_end_is_what_was_measured():
    """A memory and its negative are alike; mixtures of three are stable at loads below 0.03 only
    (Amit, Gutfreund & Sompolinsky 1985)."""
    at = table("hopfield_spurious", "stored")
    for p in ("3", "5", "10", "15", "20"):
        memory, negative = sum(at("memory", p)), sum(at("negative", p))
        assert abs(memory - negative) < 4 * math.sqrt((memory + negative) / 1000)
    assert min(at("mixture_of_three", "5")) > 0.2 and max(at("mixture_of_three", "20")) < 0.01
    assert min(at("elsewhere", "50")) > 0.99


def test_what_was_measured_of_recall_at_a_temperature():
    at = table("hopfield_temperature", "patterns", "stored", "rule", "T")
    cold, hot = (at("overlap", "random", "10", "store", T) for T in ("0.3", "1.2"))
    m = at("theory", "random", "10", "store", "0.3")[0]
    assert m == pytest.approx(math.tanh(m / 0.3), abs=1e-9)
    assert all(one == pytest.approx(m, abs=0.01) for one in cold)
    assert all(abs(one) < 0.1 for one in hot)


def test_what_was_measured_of_digits():
    """Hebb's rule finds none of ten, the pseudo-inverse all, the continuous network all of 10,000
    from half of a picture."""
    at = table("hopfield_corruption", "patterns", "stored", "rule", "damage")
    assert max(at("perfect", "digits", "10", "store", "0.0")) == 0
    assert min(at("perfect", "digits", "10", "store_correlated", "0.2")) == 1
    at = table("hopfield_continuous", "stored", "rule", "beta")
    assert min(at("perfect", "10000", "continuous", "1.0")) == 1
    assert max(at("perfect", "10000", "continuous", "0.036")) == 0
    assert max(at("perfect", "100", "store", "–")) == 0


def test_what_is_no_state_is_refused():
    w = hopfield.store(spins(2, 6))
    for call in (lambda s: hopfield.store(s), lambda s: hopfield.energy(w, s),
                 lambda s: hopfield.recall(w, s), lambda s: hopfield.recall_synchronous(w, s),
                 lambda s: hopfield.overlap(s, spins(2, 6)), hopfield.mixture):
        for bad in (torch.zeros(3, 6), torch.full((3, 6), math.nan), 0.5 * spins(3, 6)):
            with pytest.raises(ValueError, match="−1 and \\+1"):
                call(bad)
    with pytest.raises(ValueError, match="odd"):
        hopfield.mixture(spins(2, 6))
    with pytest.raises(ValueError, match="w_ij = w_ji"):
        hopfield.recall(w + torch.eye(6), spins(1, 6))
    with pytest.raises(ValueError, match="w_ij = w_ji"):
        hopfield.recall_synchronous(w.triu(), spins(1, 6))
    with pytest.raises(ValueError, match="temperature"):
        hopfield.asynchronous(w, spins(1, 6), torch.arange(6), -1.0)


X = torch.randn(7, 5, generator=rng(), dtype=torch.float64)
XI = torch.randn(30, 5, generator=rng(1), dtype=torch.float64)


@pytest.mark.parametrize("beta", [0.1, 1.0, 8.0])
def test_the_continuous_update_is_a_step_down_the_gradient_and_never_climbs(beta):
    xi = XI.clone().requires_grad_()
    E = hopfield.continuous_energy(X, xi, beta)
    slope, = torch.autograd.grad(E.sum(), xi)
    new = hopfield.continuous_update(X, xi.detach(), beta)
    assert (new - (XI - slope)).abs().max() < 1e-12
    E = E.detach()
    for _ in range(30):
        E_next = hopfield.continuous_energy(X, new, beta)
        assert (E_next <= E + 1e-12).all() and (E_next > -1e-12).all()        # and E ≥ 0
        E, new = E_next, hopfield.continuous_update(X, new, beta)


def test_the_continuous_update_is_attention():
    expected = scaled_dot_product_attention(XI[None], X[None], X[None])[0]
    assert (hopfield.continuous_update(X, XI, 1 / math.sqrt(5)) - expected).abs().max() < 1e-12


def test_a_sharp_update_finds_one_pattern_and_a_flat_one_their_mean():
    nearest = X[(XI @ X.T).argmax(1)]
    assert (hopfield.continuous_update(X, XI, 1e5) - nearest).abs().max() < 1e-9
    assert (hopfield.continuous_update(X, XI, 1e-9) - X.mean(0)).abs().max() < 1e-7


def test_one_continuous_update_recalls_from_more_patterns_than_dimensions():
    """1,000 patterns in 64 dimensions, a load of 16; a quarter of the bits are damaged. The signal
    x·ξ is 32, others' ± 8, so that e^{β·16} beats a thousand of these at β = 1 mostly."""
    xi = spins(1000, 64)
    damaged = xi.clone()
    damaged[:, :8] *= -1
    back = hopfield.continuous_update(xi, damaged, 1.0).sign()
    assert (back == xi).double().mean() > 0.999
