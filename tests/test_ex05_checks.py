"""The checks of exercise 5's questions on Hopfield units, score matching and a joint energy: the
library's and other people's parts, put together as its variants ask, pass; lazy answers, and those
that change what they are given, fail."""
import subprocess
import sys

import numpy as np
import pytest
import torch
from exercise import RAISES, TOUCHES, cells, refuses, run, solution, then
from test_answers import check as check_answer

from course_lib.ebm import hopfield
from course_lib.grading.sandbox import toolbox_without
from course_lib.hidden.ex05.hopfield import weights
from course_lib.hidden.ex05.scores import joint_cases, score_cases

NAME = "ex05_energy_based_models"
QUESTIONS = ("store", "recall", "score_loss", "joint_loss")
MASTER = {question: run(NAME, question, solution(NAME, question)) for question in QUESTIONS}
check = lambda question, answer, seed=0: check_answer(NAME, question, answer, seed)


def with_one_more(w, theta, s):
    """The same network as one of ±1 with a unit more, which is always on: h is twice as large, and
    E four times, but for a constant."""
    n = len(w)
    wider = torch.zeros(n + 1, n + 1, dtype=w.dtype)
    wider[:n, :n] = w
    wider[:n, n] = wider[n, :n] = w.sum(1) - 2 * theta
    spins = torch.cat([2 * s - 1, torch.ones_like(s[:, :1])], 1)
    return wider, spins, theta.sum() / 2 - w.sum() / 8


def recall(w, theta, s, order):
    """The library's network, which has units of ±1 and no thresholds."""
    wider, spins, shift = with_one_more(w, theta, s)
    path = [hopfield.energy(wider, spins) / 4 + shift]
    for i in order:
        spins = hopfield.asynchronous(wider, spins, i[None])
        path.append(hopfield.energy(wider, spins) / 4 + shift)
    return (spins[:, :-1] + 1) / 2, torch.stack(path, 1)


def store(xi, g, a):
    """The thresholds by autograd, as slopes of the energy of deviations at s = 0."""
    deviations = xi - a
    w = torch.einsum("mi,m,mj->ij", deviations, g, deviations)
    w = w.where(~torch.eye(len(w), dtype=torch.bool), 0)
    energy = lambda s: -(s - a) @ w @ (s - a) / 2
    return w, torch.func.grad(energy)(torch.zeros_like(xi[0]))


def test_what_others_wrote_is_right_about_the_variant():
    for seed in range(2):
        check("store", store, seed)
        rng = torch.Generator().manual_seed(seed)
        for whole in (True, False):
            s = torch.randint(2, (9, 7), generator=rng).double()
            args = *weights(rng, 7, whole, 1.0), s, torch.randint(7, (20,), generator=rng)
            for got, expected in zip(MASTER["recall"](*args), recall(*args)):
                torch.testing.assert_close(got, expected)


def test_a_change_of_units_loses_digits_beside_large_weights():
    with pytest.raises(AssertionError, match="where a weight is"):
        check("recall", recall)


def test_storing_spins_is_the_case_of_half_activity():
    """a = 1/2, where ξ − a is half a spin: the library's weights, divided by 4."""
    xi = (torch.rand(3, 8, generator=torch.Generator().manual_seed(0)) < 0.5).double()
    w, theta = MASTER["store"](xi, torch.ones(3).double(), 0.5)
    torch.testing.assert_close(w, hopfield.store(2 * xi - 1) / 4)
    s = torch.cartesian_prod(*[torch.arange(2.0).double()] * 8)
    E = s @ theta - ((s @ w) * s).sum(1) / 2
    shift = E - hopfield.energy(w, 2 * s - 1) / 4
    torch.testing.assert_close(shift, shift[0].expand(256))


def test_recall_never_raises_the_energy_and_ends_where_one_unit_improves_nothing():
    rng = torch.Generator().manual_seed(0)
    for whole in (True, False):
        w, theta = weights(rng, 9, whole, 1.0)
        s = torch.randint(2, (40, 9), generator=rng).double()
        order = torch.cat([torch.randperm(9, generator=rng) for _ in range(30)])
        end, path = MASTER["recall"](w, theta, s, order)
        assert (path.diff(dim=1) <= 1e-12).all()
        for i in range(9):
            other = end.clone()
            other[:, i] = 1 - end[:, i]
            energies = MASTER["recall"](w, theta, other, order[:0])[1][:, 0]
            assert (energies >= path[:, -1] - 1e-9).all()


def fixed(case) -> tuple:
    """The arguments of a case, of a joint energy with its chains' ends in place of the chains."""
    if case.kept is None:
        return case.args
    f, x, y, _, place, restart, fresh, z, eta, alpha = case.args
    return f, x, y, case.kept, place, restart & False, fresh, z[:0], eta, alpha


@pytest.mark.parametrize("cases, question", [(score_cases, "score_loss"),
                                             (joint_cases, "joint_loss")])
def test_gradients_of_the_references_are_differences_of_the_loss(cases, question):
    """Along a random direction of the last layer's weights, where the losses are smooth."""
    rng, h = torch.Generator().manual_seed(0), 1e-5
    for case in cases(0, torch.float64):
        net, *rest = fixed(case)
        key = [key for key in net.state if key.endswith("weight")][-1]
        way = torch.randn(net.state[key].shape, generator=rng).double()
        high, low = (MASTER[question](net._replace(state={
            **net.state, key: net.state[key] + sign * h * way}).build(), *rest)[0]
            for sign in (1, -1))
        expected = (case.gradients.state[key] * way).sum()
        size = max(expected.abs(), case.loss.abs(), 1.0)
        assert abs((high - low) / (2 * h) - expected) < 1e-6 * size, case.what


def test_the_ends_of_chains_are_no_place_to_learn():
    """With α = 0 what all logits share has the gradient 0: data and chains weigh the same."""
    for case in joint_cases(0, torch.float64):
        if case.args[-1] == 0:
            last = [*case.args[0].state][-1]
            assert abs(case.gradients.state[last].sum()) < 1e-12


LAZY = {
    "store": [
        lambda *args: None,
        lambda xi, g, a: xi,
        lambda xi, g, a: (torch.zeros(xi.shape[1], xi.shape[1]), torch.zeros(xi.shape[1])),
        lambda xi, g, a: store(xi, g, 0.5),
        lambda xi, g, a: store(xi, 0 * g + 1, a),
        lambda xi, g, a: (store(xi, g, a)[0], 0 * store(xi, g, a)[1]),
        lambda xi, g, a: tuple(x.double() for x in store(xi, g, a)),
        lambda xi, g, a: tuple(x.detach() for x in store(xi, g, a)),
    ],
    "recall": [
        lambda *args: None,
        lambda w, theta, s, order: s,
        lambda w, theta, s, order: (s, torch.zeros(len(s), len(order) + 1, dtype=s.dtype)),
        lambda w, theta, s, order: (recall(w, theta, s, order)[0], 0 * s),
        lambda w, theta, s, order: (s, recall(w, theta, s, order)[1]),
        lambda w, theta, s, order: recall(w, theta, s, order[:1]),
        lambda w, theta, s, order: recall(w, 0 * theta, s, order),
        lambda w, theta, s, order: tuple(x.float() for x in recall(w, theta, s, order)),
    ],
    "score_loss": [
        lambda *args: None,
        lambda E, x, k, z, sigma, p: (z.square().sum() / 2, {}),
        lambda *args: MASTER["score_loss"](*args)[0],
        lambda *args: MASTER["score_loss"](*args[:5], 2.0),
        lambda E, x, k, *args: MASTER["score_loss"](E, x, 0 * k, *args),
        lambda E, x, k, z, *args: MASTER["score_loss"](E, x, k, 0 * z, *args),
        lambda E, x, *args: MASTER["score_loss"](E, 0 * x, *args),
        lambda E, *args: (MASTER["score_loss"](E, *args)[0],
                          {key: 0 * w for key, w in E.state_dict().items()}),
    ],
    "joint_loss": [
        lambda *args: None,
        lambda *args: MASTER["joint_loss"](*args)[:2],
        lambda *args: MASTER["joint_loss"](*args[:9], 0.0),
        lambda f, x, y, *args: MASTER["joint_loss"](f, x, 0 * y - 1, *args),
        lambda f, x, y, *args: MASTER["joint_loss"](f, x, y.clamp(min=0), *args),
        lambda *args: (*MASTER["joint_loss"](*args)[:2], args[3]),
        lambda *args: MASTER["joint_loss"](*args[:7], 0 * args[7], *args[8:]),
        lambda *args: MASTER["joint_loss"](*args[:5], ~args[5], *args[6:]),
        lambda f, *args: (MASTER["joint_loss"](f, *args)[0],
                          {key: 0 * w for key, w in f.state_dict().items()},
                          MASTER["joint_loss"](f, *args)[2]),
    ],
    "proof": [None, [], "log(p[v|y])", ["log(p[v|y])"], [1, 2, 3], ["0"] * 3,
              ["log(Sum(exp(-E[v,y,h]), h)) - log(Sum(exp(-E[v,y,h]), v, h))"] * 3],
}


@pytest.mark.parametrize("question", LAZY)
def test_lazy_answers_fail(question):
    refuses(check, question, LAZY[question], RAISES)


TENSORS = {"store": (0, 1), "recall": (0, 1, 2, 3), "score_loss": (1, 2, 3, 4),
           "joint_loss": (1, 2, 3, 4, 5, 6, 7)}


@pytest.mark.parametrize("question, i", [(question, i) for question in TENSORS
                                         for i in TENSORS[question]])
def test_answers_that_change_an_argument_fail(question, i):
    def changed(*args):
        args[i].logical_not_() if args[i].dtype == torch.bool else args[i].data.add_(1)

    with pytest.raises(AssertionError, match="in place"):
        check(question, then(MASTER[question], changed))


@pytest.mark.parametrize("question", ["score_loss", "joint_loss"])
@pytest.mark.parametrize("touch", TOUCHES)
def test_answers_that_leave_a_network_changed_fail(question, touch):
    with pytest.raises(AssertionError, match="not as it was"):
        check(question, then(MASTER[question], lambda net, *_: touch(net)))


def test_what_the_written_answer_says_about_its_examples():
    """Two states: energies (−80, 0) give the first nearly 1, (−120, −120) a half; a machine with
    huge weights whose chain never moves, at any probability of its two states."""
    log_p = lambda *E: (-torch.tensor(E).double()).log_softmax(0)
    assert abs(log_p(-80.0, 0.0)[0] - log_p(-120.0, -120.0)[0] - np.log(2)) < 1e-12
    K, h, v = 60.0, torch.tensor([0.0, 1.0]), torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    for shift in (0.0, 7.0):                                   # p(1, 1) = 1/2, or a thousandth
        W, b, c = K * torch.ones(2), -K / 2 * torch.ones(2), -K - shift
        E = -((v @ W)[:, None] * h) - (v @ b)[:, None] - h * c
        p_h, p_v = torch.sigmoid(c + v @ W), torch.sigmoid(b + h[:, None] * W)
        assert torch.allclose(p_h, h, atol=1e-6) and torch.allclose(p_v, v, atol=1e-6)
        share = torch.softmax(-E.min(1).values, 0)[1]
        assert abs(share - (0.5 if shift == 0 else 1 / (1 + np.exp(7)))) < 1e-5


def test_the_header_names_all_questions_and_no_other():
    header = next(cell.source for cell in cells(NAME) if cell.cell_type == "markdown")
    texts = [cell.source for cell in cells(NAME) if cell.source.startswith("## ")]
    assert [int(text[3:].split(".")[0]) for text in texts] == [*range(1, 11)]
    assert all(f"| {i} | " in header for i in range(1, 11)) and "@@" not in header


def test_what_the_exercise_imports_is_there_while_it_is_graded(tmp_path):
    setup = next(cell.source for cell in cells(NAME) if cell.cell_type == "code")
    toolbox = toolbox_without(("course_lib.ebm",), tmp_path / "course_lib")
    assert not (toolbox / "ebm").exists() and not (toolbox / "hidden").exists()
    told = subprocess.run([sys.executable, "-c", setup], cwd=tmp_path, capture_output=True,
                          env={"PYTHONPATH": str(tmp_path), "MPLBACKEND": "agg"}, text=True)
    assert told.returncode == 0, told.stderr
