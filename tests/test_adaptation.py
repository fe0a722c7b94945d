import csv
import inspect
import math
from collections import defaultdict
from pathlib import Path

import pytest
import torch
from torch import nn

from course_lib.data.adaptation import Domains, augmented
from course_lib.gan.adaptation import METHODS, SourceOnly, adapt, sa
from course_lib.gan.dann import DANN, reversal_schedule, reverse_gradient
from course_lib.gan.dtn import DTN, constancy
from course_lib.gan.reverse_validation import reverse_risk
from course_lib.gan.subspace import aligned, alignment, nearest_label, subspace
from course_lib.gan.unit import UNITClassifier
from course_lib.nets import CoupledD, mlp

rng = torch.Generator().manual_seed(0)


def pictures(n=24, shift=0.0):
    """Three classes: a bright bar at one of three heights."""
    labels = torch.arange(n) % 3
    x = -torch.ones(n, 1, 12, 12)
    for k, y in enumerate(labels):
        x[k, 0, 1 + 4 * y:3 + 4 * y] = 1 - shift
    return (x + 0.1 * torch.randn(x.shape, generator=rng)).clamp(-1, 1), labels


SOURCE, LABELS = pictures(48)
TARGET, TARGET_LABELS = pictures(40, 0.3)


@pytest.mark.parametrize("lam", [0.0, 0.3, 2.0])
def test_reversal_is_the_identity_forward_and_minus_lambda_backward(lam):
    x = torch.randn(5, 3, generator=rng, requires_grad=True)
    w = torch.randn(5, 3, generator=rng)
    y = reverse_gradient(x, lam)
    assert torch.equal(y, x)
    (y * w).sum().backward()
    assert torch.equal(x.grad, -lam * w)


def test_two_reversals_are_none():
    x = torch.randn(4, generator=rng, requires_grad=True)
    reverse_gradient(reverse_gradient(x)).square().sum().backward()
    assert torch.allclose(x.grad, 2 * x)


def test_the_schedule_rises_from_0_towards_1():
    values = [reversal_schedule(k / 10) for k in range(11)]
    assert values[0] == 0 and values == sorted(values) and 0.9999 < values[-1] < 1
    assert reversal_schedule(0.3) == pytest.approx(math.tanh(1.5))      # γ p / 2


def test_dann_is_one_descent_of_two_opposed_losses():
    """What comes before R climbs the domain's loss, what comes after descends it."""
    torch.manual_seed(0)
    M = DANN(CoupledD(1, 1, 12, 3, 16, 4), mlp(16, 8, 1), lam=0.5, ramp=0 + 1).eval()
    batch = ((SOURCE[:8], LABELS[:8]), TARGET[:8])

    def gradients(lam, step):
        M.lam, M.step = lam, step
        M.zero_grad()
        M.loss(batch, "model").backward()
        return M.net.high[-2].weight.grad.clone(), M.d[0].weight.grad.clone()

    (plain, d), (reversed_, d_same) = gradients(0.0, 1), gradients(0.5, 1)
    h = [M.net.features(x, 0) for x in (batch[0][0], batch[1])]
    logit = M.d(torch.cat(h)).squeeze(1)
    L_d = nn.functional.binary_cross_entropy_with_logits(logit, torch.arange(16.0).lt(8).float())
    ascent, = torch.autograd.grad(L_d, M.net.high[-2].weight)
    assert torch.allclose(d, d_same)
    lam = 0.5 * reversal_schedule(1.0)
    assert torch.allclose(reversed_, plain - lam * ascent, atol=1e-6)


def test_lambda_rises_with_the_steps_of_training_only():
    M = DANN(CoupledD(1, 1, 12, 3, 16, 4), mlp(16, 8, 1))
    M.eval().loss(((SOURCE, LABELS), TARGET), "model")
    assert M.step == 0
    M.train().loss(((SOURCE, LABELS), TARGET), "model")
    assert M.step == 1


def points(n=200, D=6):
    return torch.randn(n, D, generator=rng).double() * torch.arange(1.0, D + 1).double()


def test_equal_domains_are_aligned_by_the_identity():
    x = points()
    (_, X_S), (_, X_T) = subspace(x, 4), subspace(x, 4)
    assert torch.allclose(alignment(X_S, X_T), torch.eye(4, dtype=torch.float64), atol=1e-10)
    of_source, of_target = aligned(x, x, 4)
    assert torch.allclose(of_source(x), of_target(x), atol=1e-10)


def test_alignment_is_the_least_squares_best():
    (_, X_S), (_, X_T) = subspace(points(), 3), subspace(points() @ torch.randn(
        6, 6, generator=rng).double(), 3)
    best = alignment(X_S, X_T)
    assert torch.allclose(best, torch.linalg.lstsq(X_S, X_T).solution, atol=1e-10)


def test_signs_of_the_sources_directions_cancel():
    (_, X_S), (_, X_T) = subspace(points(), 3), subspace(points(), 3)
    signs = torch.tensor([1.0, -1.0, -1.0]).double()
    assert torch.allclose((X_S * signs) @ alignment(X_S * signs, X_T),
                          X_S @ alignment(X_S, X_T), atol=1e-12)


def test_a_rotated_domain_is_aligned_as_the_source_was():
    """Up to signs: distances in d = D dimensions are those before the turn."""
    x = points()
    turn = torch.linalg.qr(torch.randn(6, 6, generator=rng).double()).Q
    (_, X_S), (_, X_T) = subspace(x, 6), subspace(x @ turn, 6)
    assert torch.allclose((X_S.T @ turn @ X_T).abs(), torch.eye(6).double(), atol=1e-8)


def test_a_shifted_domain_is_the_same_domain():
    x = points()
    of_source, of_target = aligned(x, x + 7, 3)
    assert torch.allclose(of_source(x), of_target(x + 7), atol=1e-9)


def test_subspaces_are_orthonormal_and_have_a_most():
    _, X = subspace(points(), 5)
    assert torch.allclose(X.T @ X, torch.eye(5).double(), atol=1e-10)
    for d in (0, 7):
        with pytest.raises(ValueError, match="directions"):
            subspace(points(), d)


def test_the_nearest_label():
    known = torch.tensor([[0.0], [10.0]])
    assert nearest_label(torch.tensor([[1.0], [9.0], [4.0]]), known,
                         torch.tensor([5, 7])).tolist() == [5, 7, 5]


def test_dtn_keeps_f_and_a_fixed_point_costs_nothing():
    f, D = nn.Flatten(), nn.Sequential(nn.Flatten(), nn.Linear(144, 3))
    M = DTN(f, nn.Unflatten(1, (1, 12, 12)), D)              # g undoes f: G(x) = x
    assert constancy(f(SOURCE), f(M.translate(SOURCE))) == 0
    batch = ((SOURCE[:6], LABELS[:6]), TARGET[:6])
    log_p = lambda x, kind: D(x).log_softmax(1)[:, kind].mean()
    exact = -log_p(SOURCE[:6], 0) - log_p(TARGET[:6], 1) - log_p(TARGET[:6], 2)
    assert torch.allclose(M.loss(batch, "D"), exact)
    exact = -log_p(SOURCE[:6], 2) - log_p(TARGET[:6], 2)
    assert torch.allclose(M.loss(batch, "G"), exact)
    assert {id(p) for part in M.players().values() for p in part} == {id(p) for p in D.parameters()}


def test_augmentation_keeps_paper_white_and_the_range():
    torch.manual_seed(0)
    x = augmented(SOURCE)
    assert x.shape == SOURCE.shape and x.min() >= -1 - 1e-5 and x.max() <= 1 + 1e-5
    assert torch.allclose(augmented(-torch.ones(3, 1, 8, 8)), -torch.ones(3, 1, 8, 8))
    assert not torch.equal(augmented(SOURCE), x)


def test_what_comes_in_from_outside_has_the_colour_of_the_rim():
    x = augmented(torch.full((4, 1, 8, 8), 0.25))
    assert torch.allclose(x, torch.full_like(x, 0.25), atol=1e-6)


def test_half_of_the_pictures_in_colour_become_negatives():
    """1000 fair coins: 4 standard deviations are 64."""
    torch.manual_seed(0)
    x = augmented(torch.full((1000, 3, 4, 4), 0.5))
    assert torch.allclose(x.abs(), torch.full_like(x, 0.5), atol=1e-6)
    assert torch.allclose(x, x[:, :1, :1, :1].expand_as(x), atol=1e-6)       # whole pictures
    assert 436 < (x[:, 0, 0, 0] < 0).sum() < 564
    assert (augmented(torch.full((100, 1, 4, 4), 0.5)) > 0).all()            # grey ones never


def test_batches_hold_labels_of_the_source_only():
    (x, y), x_t = next(iter(Domains(SOURCE, LABELS, TARGET, 8)))
    assert x.shape == x_t.shape == (8, 1, 12, 12) and y.shape == (8,)
    assert len(list(Domains(SOURCE, LABELS, TARGET, 8))) == 6       # a pass of the larger


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_with_classes_and_repeats_itself(method):
    predict = adapt(method, SOURCE, LABELS, TARGET, steps=2, seed=1)
    classes = predict(TARGET)
    assert classes.shape == (40,) and classes.dtype == torch.int64
    assert set(classes.tolist()) <= {0, 1, 2}
    state = torch.get_rng_state()
    again = adapt(method, SOURCE, LABELS, TARGET, steps=2, seed=1)(TARGET)
    assert torch.equal(classes, again)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("method", METHODS)
def test_shuffled_labels_of_the_target_change_nothing_but_the_score(method):
    """adapt takes no label of the target, so that there is nothing to peek at."""
    def scored(labels):
        classes = adapt(method, SOURCE, LABELS, TARGET, steps=3)(TARGET)
        return classes, (classes == labels).float().mean().item()

    classes, score = scored(TARGET_LABELS)
    shuffled = (classes + 1) % 3
    classes_shuffled, score_shuffled = scored(shuffled)
    assert torch.equal(classes, classes_shuffled)
    assert score_shuffled == 0
    assert list(inspect.signature(adapt).parameters) == ["method", "source", "labels", "target",
                                                         "steps", "seconds", "seed"]


@pytest.mark.parametrize("method", METHODS)
def test_pictures_in_colour_go_through_the_same_call(method):
    colour = lambda x: x.expand(-1, 3, -1, -1)
    classes = adapt(method, colour(SOURCE), LABELS, colour(TARGET), steps=1)(colour(TARGET))
    assert classes.shape == (40,)


def test_reverse_risk_is_small_for_a_good_classifier_and_large_for_a_wrong_one():
    """Each class taken for the next is an error on every picture on the way back."""
    right = lambda x: TARGET_LABELS
    wrong = lambda x: (TARGET_LABELS + 1) % 3
    risk = [reverse_risk(predict, TARGET, SOURCE, LABELS, steps=60) for predict in (right, wrong)]
    assert risk[0] < 0.1 and risk[1] > 0.9


def test_reverse_risk_asks_the_classifier_only_and_takes_no_label_of_the_target():
    seen = []

    def predict(x):
        seen.append(x)
        return LABELS[:len(x)]

    reverse_risk(predict, TARGET, SOURCE, LABELS, steps=1)
    assert len(seen) == 1 and torch.equal(seen[0], TARGET)
    assert list(inspect.signature(reverse_risk).parameters) == ["predict", "target", "source",
                                                                "labels", "steps", "seed"]


def default(function, name):
    return inspect.signature(function).parameters[name].default


def test_settings_are_those_that_reverse_validation_picks():
    """Of those tried on all three pairs the one that is right most often on the way back."""
    table = Path(__file__).parents[1] / "benchmarks" / "results" / "adaptation_settings.csv"
    right = defaultdict(list)
    with open(table, newline="") as file:
        for row in csv.DictReader(file):
            right[row["method"], row["setting"]].append(float(row["reverse"]))
    whole = {key: sum(values) for key, values in right.items() if len(values) == 3}
    best = {method: max((key for key in whole if key[0] == method), key=whole.get)[1]
            for method in ("SA", "DANN", "UNIT")}
    lam = default(UNITClassifier, "lam")
    assert lam[2] == lam[4]
    assert best == {"SA": f"d {default(sa, 'd')}", "UNIT": f"lam_2, lam_4 {lam[2]}",
                    "DANN": f"lam {default(DANN, 'lam')}, ramp {default(DANN, 'ramp')}"}


def test_source_only_never_looks_at_the_target():
    first, second = (adapt("source only", SOURCE, LABELS, x, steps=3)(SOURCE)
                     for x in (TARGET, TARGET.flip(3)))
    assert torch.equal(first, second)


def test_the_source_is_learnt():
    predict = adapt("source only", SOURCE, LABELS, TARGET, steps=60)
    assert (predict(SOURCE) == LABELS).float().mean() > 0.9
    assert isinstance(predict.model, SourceOnly)
    seen = adapt("SA", SOURCE, LABELS, TARGET, steps=60)(TARGET)
    assert (seen == TARGET_LABELS).float().mean() > 0.9


@pytest.mark.parametrize("source, labels, target, words", [
    (SOURCE, LABELS, TARGET[:, :, :8, :8], "12 × 12.*8 × 8"),
    (SOURCE, LABELS, TARGET.expand(-1, 3, -1, -1), "channels"),
    (SOURCE[:0], LABELS[:0], TARGET, "source is empty"),
    (SOURCE, LABELS, TARGET[:0], "target is empty"),
    (SOURCE, LABELS[:5], TARGET, "as many labels")])
def test_domains_that_do_not_fit_are_one_clear_error(source, labels, target, words):
    with pytest.raises(ValueError, match=words):
        adapt("UNIT", source, labels, target, steps=1)


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="no method 'unit'.*UNIT"):
        adapt("unit", SOURCE, LABELS, TARGET)
