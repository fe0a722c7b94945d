"""What is special about exercise 5's questions on a machine with two levels and on Langevin steps:
the course's RBM of 0 and 1 says the same after a change of units, the masters leave the laws that
they are to leave as they are, and lazy answers do not pass."""
import itertools
import math

import pytest
import torch
from exercise import RAISES, refuses, run, solution
from test_answers import check as check_answer

from course_lib.ebm.contrastive_divergence import expected_update
from course_lib.ebm.rbm import RBM, states

NAME = "ex05_energy_based_models"
QUESTIONS = ("free_energy", "gibbs_step", "cd_update", "mala_step")
MASTER = {question: run(NAME, question, solution(NAME, question)) for question in QUESTIONS}
check = lambda question, answer, seed=0: check_answer(NAME, question, answer, seed)


def rbm(W, b, c) -> RBM:
    """The course's machine with these parameters."""
    model = RBM((len(b),), len(c)).to(W.dtype)
    model.W.data, model.b.data, model.c.data = W.detach(), b.detach(), c.detach()
    return model


def of_0_and_1(W, b, c, lo, hi, T) -> tuple[RBM, torch.Tensor]:
    """E/T in the units a = (v + 1)/2 and s = (h − lo)/(hi − lo) of 0 and 1, and its constant."""
    step = hi - lo
    model = rbm(2 * step * W / T, 2 * (b + lo * W.sum(1)) / T, step * (c - W.sum(0)) / T)
    return model, (lo * W.sum() + b.sum() - lo * c.sum()) / T


def test_the_free_energy_is_that_of_a_machine_of_0_and_1_in_other_units():
    rng = torch.Generator().manual_seed(0)
    W, b, c, v = (torch.randn(*size, generator=rng).double() for size in ((5, 3), (5,), (3,),
                                                                         (7, 5)))
    for lo, hi, T in ((-1.0, 2.0, 0.5), (0.3, 0.4, 2.0), (0.0, 1.0, 1.0)):
        model, constant = of_0_and_1(W, b, c, lo, hi, T)
        expected = T * (model.free_energy((v + 1) / 2) + constant)
        assert torch.allclose(MASTER["free_energy"](v, W, b, c, lo, hi, T), expected, atol=1e-8)


def gibbs_step(v, known, W, b, c, lo, hi, T, u_h, u_v):
    """The course's conditional probabilities, after the change of units."""
    model = of_0_and_1(W, b, c, lo, hi, T)[0]
    with torch.no_grad():
        s = (u_h < model.p_h((v.reshape(len(v), -1) + 1) / 2)).to(v)
        a = (u_v < model.p_v(s).view_as(v)).to(v)
    return torch.where(s > 0, torch.full_like(s, hi), lo), torch.where(known, v, 2 * a - 1)


def test_the_gibbs_step_is_that_of_a_machine_of_0_and_1_in_other_units():
    rng = torch.Generator().manual_seed(0)
    draw = lambda *size: torch.randn(*size, generator=rng).double()
    for lo, hi, T in ((-1.0, 2.0, 0.5), (0.3, 0.4, 2.0), (0.0, 1.0, 1.0)):
        u = (torch.rand(50, size, generator=rng).double() for size in (3, 4))
        args = (draw(50, 4).sign(), draw(50, 4) > 0, draw(4, 3), draw(4), draw(3), lo, hi, T, *u)
        for got, expected in zip(MASTER["gibbs_step"](*args), gibbs_step(*args)):
            assert torch.equal(got, expected)


def test_a_gibbs_step_leaves_the_law_given_what_is_known():
    """200000 draws from the exact law, with one number known; each share within 6 deviations."""
    rng = torch.Generator().manual_seed(1)
    W, b, c = (torch.randn(*size, generator=rng).double() for size in ((3, 2), (3,), (2,)))
    V, n = 2 * states(3, W) - 1, 200_000
    V = V[V[:, 0] == 1]
    V[:, 0] = 0.4
    p = torch.softmax(-MASTER["free_energy"](V, W, b, c, -1.0, 2.0, 0.9) / 0.9, 0)
    v = V[torch.multinomial(p, n, replacement=True, generator=rng)]
    known = torch.tensor([True, False, False]).expand(n, 3)
    u_h, u_v = torch.rand(n, 2, generator=rng).double(), torch.rand(n, 3, generator=rng).double()
    v = MASTER["gibbs_step"](v, known, W, b, c, -1.0, 2.0, 0.9, u_h, u_v)[1]
    share = torch.stack([(v == row).all(1).double().mean() for row in V])
    assert ((share - p).abs() < 6 * (p * (1 - p) / n).sqrt()).all()


@pytest.mark.parametrize("k", [1, 2, 7])
def test_the_update_is_the_courses_on_units_of_0_and_1(k):
    rng = torch.Generator().manual_seed(2)
    W, b, c = (torch.randn(*size, generator=rng).double() for size in ((3, 2), (3,), (2,)))
    p_0 = torch.rand(8, generator=rng).double().softmax(0)
    found = MASTER["cd_update"](states(3, W), states(2, W), W, b, c, p_0,
                                torch.eye(k + 1).double()[k])
    for got, expected in zip(found, expected_update(rbm(W, b, c), p_0, k).values()):
        assert torch.allclose(got, expected, atol=1e-12)


def test_many_steps_follow_the_likelihood_and_one_does_not():
    rng = torch.Generator().manual_seed(3)
    V, H = 2 * states(3, torch.ones(1).double()) - 1, torch.eye(3).double()
    W, b, c = (torch.randn(*size, generator=rng).double() for size in ((3, 3), (3,), (3,)))
    p_0 = torch.rand(8, generator=rng).double().softmax(0)
    theta = [t.clone().requires_grad_() for t in (W, b, c)]
    minus_E = V @ theta[0] @ H.T + (V @ theta[1])[:, None] + H @ theta[2]
    slopes = torch.autograd.grad(p_0 @ minus_E.logsumexp(1) - minus_E.logsumexp((0, 1)), theta)
    for k, near in ((2000, True), (1, False)):
        found = MASTER["cd_update"](V, H, W, b, c, p_0, torch.eye(k + 1).double()[k])
        assert torch.allclose(found[0], slopes[0], atol=1e-9) == near


def test_a_langevin_step_leaves_the_law_of_a_double_well():
    """200000 draws from p on a grid's law, a step that is far too long for the plain one; the share
    of each of eight bins within 6 deviations. Without the coin it is missed."""
    rng, n, T, eta = torch.Generator().manual_seed(4), 200_000, 0.7, 0.5
    well = lambda x: ((x[:, 0] ** 2 - 1) ** 2 + 0.3 * x[:, 0], 4 * x * (x ** 2 - 1) + 0.3)
    grid = torch.linspace(-3, 3, 60_001).double()[:, None]
    p = torch.softmax(-well(grid)[0] / T, 0)
    start = grid[torch.multinomial(p, n, replacement=True, generator=rng)]
    z, u = torch.randn(n, 1, generator=rng).double(), torch.rand(n, generator=rng).double()
    edges = torch.tensor([-3, -1.2, -0.9, -0.5, 0, 0.5, 0.9, 1.2, 3]).double()
    bins = lambda x, w: torch.stack([w[(x > a) & (x <= b)].sum()
                                     for a, b in itertools.pairwise(edges)])
    exact, even = bins(grid[:, 0], p), torch.full((n,), 1 / n).double()
    off = lambda x: ((bins(x[:, 0], even) - exact).abs()
                     / (exact * (1 - exact) / n).sqrt()).max().item()
    L = torch.tensor([[0.9]]).double()
    assert off(MASTER["mala_step"](well, start, L, eta, T, z, u)[0]) < 6
    plain = start - eta / 2 * 0.81 * well(start)[1] + math.sqrt(eta * T) * 0.9 * z
    assert off(plain) > 20


def test_short_langevin_steps_are_always_accepted():
    rng = torch.Generator().manual_seed(5)
    x, z = torch.randn(50, 3, generator=rng).double(), torch.randn(50, 3, generator=rng).double()
    energy = lambda x: (x.pow(4).sum(1) / 4, x ** 3)
    rejected = [(1 - MASTER["mala_step"](energy, x, torch.eye(3).double(), eta, 1.0, z,
                                         torch.zeros(50).double())[1]).mean()
                for eta in (1e-2, 1e-4)]
    assert rejected[1] < 2e-3 * rejected[0] + 1e-12    # as the square root of eta, cubed


LAZY = {
    "free_energy": [
        lambda *args: None,
        lambda v, W, b, c, lo, hi, T: 0 * v.reshape(len(v), -1).sum(1),
        lambda v, W, b, c, lo, hi, T: MASTER["free_energy"](v, W, b, c, -1.0, 2.0, T),
        lambda v, W, b, c, lo, hi, T: MASTER["free_energy"](v, W, b, c, lo, hi, 1.0),
        lambda *args: MASTER["free_energy"](*args).detach(),
        lambda *args: MASTER["free_energy"](*args).mean(),
        lambda v, *args: MASTER["free_energy"](v.sign(), *args),
        lambda v, W, b, c, lo, hi, T: MASTER["free_energy"](v, W.detach(), b, c, lo, hi, T),
    ],
    "gibbs_step": [
        lambda *args: None,
        lambda v, known, W, b, c, lo, hi, T, u_h, u_v: (torch.full_like(u_h, lo), v),
        lambda v, known, W, b, c, lo, hi, T, u_h, u_v: MASTER["gibbs_step"](
            v, known, W, b, c, lo, hi, T, torch.rand_like(u_h), torch.rand_like(u_v)),
        lambda v, known, *args: MASTER["gibbs_step"](v, known & False, *args),
        lambda v, known, *args: MASTER["gibbs_step"](v, known[:1].expand_as(v), *args),
        lambda v, known, W, b, c, lo, hi, T, u_h, u_v: MASTER["gibbs_step"](
            v, known, W, b, c, lo, hi, 0.5, u_h, u_v),
        lambda *args: tuple(t.float() for t in MASTER["gibbs_step"](*args)),
        lambda *args: MASTER["gibbs_step"](*args)[::-1],
    ],
    "cd_update": [
        lambda *args: None,
        lambda V, H, W, b, c, p_0, w: (0 * W, 0 * b, 0 * c),
        lambda *args: MASTER["cd_update"](*args)[:2],
        lambda V, H, W, b, c, p_0, w: MASTER["cd_update"](V, H, W, b, c, p_0,
                                                          torch.eye(2).to(w)[1]),
        lambda V, H, W, b, c, p_0, w: MASTER["cd_update"](V, H, W, b, c, 0 * p_0 + 1 / len(p_0), w),
        lambda V, H, W, b, c, p_0, w: MASTER["cd_update"](V, H, W, b, c, p_0, w[:3]),
        lambda V, H, W, b, c, p_0, w: MASTER["cd_update"](
            V, torch.tensor([*itertools.product((0.0, 1.0), repeat=len(c))]).to(W), W, b, c, p_0,
            w),
    ],
    "mala_step": [
        lambda *args: None,
        lambda energy, x, L, eta, T, z, u: (x, torch.zeros_like(u)),
        lambda energy, x, L, eta, T, z, u: MASTER["mala_step"](
            energy, x, torch.eye(len(L)).to(x), eta, T, z, u),
        lambda energy, x, L, eta, T, z, u: MASTER["mala_step"](energy, x, L, eta, 1.0, z, u),
        lambda energy, x, L, eta, T, z, u: MASTER["mala_step"](
            energy, x, L, eta, T, torch.randn_like(z), u),
        lambda energy, x, L, eta, T, z, u: MASTER["mala_step"](energy, x, L, eta, T, z, 0 * u),
        lambda energy, x, *args: (energy(x), MASTER["mala_step"](energy, x, *args))[1],
        lambda *args: MASTER["mala_step"](*args)[::-1],
    ],
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_lazy_answers_fail(question):
    refuses(check, question, LAZY[question], RAISES)


def test_a_change_of_units_loses_a_level_beside_a_far_one():
    with pytest.raises(AssertionError, match="v for levels -1e"):
        check("gibbs_step", gibbs_step)


def changed_in_place(question):
    """The master, which then writes into each tensor that it was given."""
    def answer(*args):
        found = MASTER[question](*args)
        for arg in args[:1] if question != "mala_step" else args[1:2]:
            arg.data.mul_(2)
        return found

    return answer


@pytest.mark.parametrize("question", QUESTIONS)
def test_arguments_must_not_be_changed(question):
    with pytest.raises(AssertionError, match="changed in place"):
        check(question, changed_in_place(question))
