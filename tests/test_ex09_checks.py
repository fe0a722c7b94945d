"""What is special about exercise 9: where its variants meet the plain case; lazy answers fail, and
so do answers that touch what they are lent."""
import math

import pytest
import torch
import torch.nn.functional as F
from exercise import RAISES, TOUCHES, questions, refuses, run, solution, then
from test_answers import check as check_answer

from course_lib.checks import Net, call
from course_lib.checks.facts.draws import seeded
from course_lib.evaluate import bits_per_dim

NAME = "ex09_tradeoffs"
QUESTIONS = questions(NAME)
MASTER = {question: run(NAME, question, solution(NAME, question)) for question in QUESTIONS}
check = lambda question, answer, seed=0: check_answer(NAME, question, answer, seed)
close = torch.testing.assert_close
normal = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=seeded(0))


def test_with_a_standard_prior_and_no_weights_the_objective_is_the_mean_bound():
    mu, log_var, logits = normal(3, 2), normal(3, 2), normal(3, 1, 2, 2)
    x, zero = (logits > 0).double(), torch.zeros(2).double()
    J, bound = MASTER["elbo"](x, logits, mu, log_var, zero, zero, 1.0, 0.0)
    kl = (mu**2 + log_var.exp() - 1 - log_var).sum(1) / 2
    right = torch.where(x > 0, F.logsigmoid(logits), F.logsigmoid(-logits)).sum((1, 2, 3)) - kl
    close(bound, right)
    close(J, right.mean())


def test_draws_have_the_covariance_that_their_density_says():
    """E log q = −entropy, within six standard errors of the mean of d/2 − ε²/2."""
    mu, a, n = normal(1, 3), normal(1, 6), 20_000
    z, log_q = MASTER["reparametrise"](mu, a, normal(n, 1, 3), 0.1)
    covariance = z[:, 0].T.cov()
    entropy = 1.5 * math.log(2 * math.pi * math.e) + covariance.logdet() / 2
    assert abs(log_q.mean() + entropy) < 6 * 2 * math.sqrt(1.5 / n)


def test_stacks_of_layers_see_what_comes_before_and_all_of_it():
    """The Jacobian of three layers: column by column from the right, each from top to bottom."""
    rng, size, groups = seeded(0), 4, 2
    draw = lambda *shape: torch.rand(*shape, dtype=torch.float64, generator=rng) + 0.1
    kernels = [(draw(2, 2, 3, 3), draw(2, 2, 3), draw(2, 2)) for _ in range(5)]

    def model(x):
        c = r = x[None]
        for i, weights in enumerate(kernels):
            c, r = MASTER["two_stacks"](c, r, *weights, groups, i == 0)
        return r[0]

    J = torch.autograd.functional.jacobian(model, draw(2, size, size)).reshape(32, 32)
    place = torch.arange(32).reshape(2, size, size)
    group, y, x = place // 16, place // 4 % 4, place % 4
    time = (((size - 1 - x) * size + y) * groups + group).flatten()
    # a kernel of 3 by 3 moves at most one row up or down with each column to the right
    before = time > time[:, None]
    assert not J[before].any() and not J[torch.arange(32), torch.arange(32)].any()
    far = (x.flatten()[None] - x.flatten()[:, None]).clamp(min=0)
    seen = (time < time[:, None]) & (far <= 5)
    assert J[seen].all()


def test_two_couplings_change_all_numbers_and_log_dets_add_up():
    rng = seeded(0)
    nets = [Net.draw("smooth_mlp", (4, 6, 8), rng).double().build() for _ in range(2)]
    mask = torch.tensor([True, True, False, False])

    def flow(x):
        y, first = MASTER["coupling"](x[None], mask, nets[0], 1.5, False)
        y, second = MASTER["coupling"](y, ~mask, nets[1], 1.5, False)
        return y[0], first + second

    x = normal(4)
    J = torch.autograd.functional.jacobian(lambda x: flow(x)[0], x)
    close(flow(x)[1][0], J.slogdet().logabsdet)
    assert (flow(x)[0] != x).all()


def test_with_one_group_it_is_the_nearest_code():
    z, codes = normal(2, 3, 4, 2), normal(1, 6, 3)
    z_q, k, loss = MASTER["quantise"](z, codes, torch.ones(1).double(), 0.25)
    rows = z.movedim(1, -1).reshape(-1, 3)
    right = torch.cdist(rows, codes[0]).argmin(1)
    assert torch.equal(k.flatten(), right)
    close(loss, 1.25 * (rows - codes[0][right]).square().sum(1).mean())
    close(z_q.movedim(1, -1).reshape(-1, 3), codes[0][right])


def test_a_map_that_does_not_fold_is_a_plain_change_of_variables():
    """log N(f⁻¹(x)) + log |d f⁻¹/dx|, by differences; with one line PyTorch's own."""
    a, b = torch.tensor([-1.0, 0.0, 2.0]).double(), torch.tensor([3.0, 0.5, -5.0]).double()
    x = torch.tensor([-6.3, -1.2, 0.1, 1.7, 2.9, 4.4]).double()
    # in between by interpolation between the images of far knots; both decrease
    z = torch.where(x > 0.5, (0.5 - x) / 2.5, (0.5 - x) / 2.75)
    slope = torch.where(x > 0.5, 2.5, 2.75)
    right = -z**2 / 2 - math.log(2 * math.pi) / 2 - slope.log()
    close(MASTER["log_density"](x, a, b)[0], right)
    law = torch.distributions.Normal(torch.tensor(2.0).double(), 3.0)
    line = torch.tensor([[-1.0, 5.0], [1.0, -1.0]]).double().T
    close(MASTER["log_density"](x, *line)[0], law.log_prob(x))


def test_with_one_draw_it_is_the_librarys_bits_per_dim_of_a_dequantised_image():
    x, u = torch.arange(12).reshape(2, 6) * 20, torch.rand(1, 2, 6).double()
    log_p = lambda y: torch.distributions.Normal(128.0, 60.0).log_prob(y).sum(1)
    of_v = lambda v: log_p(256 * v) + 6 * math.log(256)
    got = MASTER["bits_bound"](of_v, x, u, torch.zeros(1, 2).double(), 8, 0.0, 1.0)
    close(got, bits_per_dim(log_p(x + u[0]), 6))


def test_more_draws_come_nearer_to_the_exact_bits():
    x, n = torch.full((2000, 1), 2), 2000
    law = torch.distributions.Normal(torch.tensor(0.6).double(), 0.05)
    exact = -torch.log2(law.cdf(torch.tensor(0.75).double()) - law.cdf(torch.tensor(0.5).double()))
    rng, bits = seeded(0), []
    for K in (1, 4, 16):
        u = torch.rand(K, n, 1, dtype=torch.float64, generator=rng)
        bits.append(MASTER["bits_bound"](lambda v: law.log_prob(v)[:, 0], x, u,
                                         torch.zeros(K, n).double(), 2, 0.0, 1.0).mean())
    assert bits[0] > bits[1] + 0.1 > bits[2] + 0.15 and exact < bits[2] < exact + 0.1


def test_on_many_even_points_the_forward_fit_has_the_moments_of_p():
    x = torch.linspace(-20, 20, 60, dtype=torch.float64)
    p = (0.7 * (-(x + 3) ** 2 / 4).exp() + 0.3 * (-(x - 4) ** 2 / 6).exp())
    p = p / p.sum()
    mu, sigma, forward, reverse = MASTER["kl_fit"](x, p.log(), 1.0)
    mean = (p * x).sum()
    close(mu, mean, atol=1e-5, rtol=0)
    close(sigma, (p * (x - mean) ** 2).sum().sqrt(), atol=1e-5, rtol=0)
    assert MASTER["kl_fit"](x, p.log(), 0.0)[3] < reverse and forward > 0


LAZY = {
    "elbo": [
        lambda *args: None,
        lambda *args: MASTER["elbo"](*args)[0],
        lambda *args: tuple(t.detach() for t in MASTER["elbo"](*args)),
        lambda *args: tuple(t.double() for t in MASTER["elbo"](*args)),
        lambda *args: MASTER["elbo"](*args[:-2], 1.0, 0.0),
    ],
    "reparametrise": [
        lambda *args: None,
        lambda mu, a, eps, floor: (mu + 0 * eps, MASTER["reparametrise"](mu, a, eps, floor)[1]),
        lambda *args: tuple(t.detach() for t in MASTER["reparametrise"](*args)),
        lambda *args: tuple(t.double() for t in MASTER["reparametrise"](*args)),
        lambda mu, a, eps, floor: MASTER["reparametrise"](mu, a, eps[:1].expand_as(eps), floor),
    ],
    "two_stacks": [
        lambda *args: None,
        lambda c, r, *args: (c, r),
        lambda *args: tuple(0 * t for t in MASTER["two_stacks"](*args)),
        lambda *args: MASTER["two_stacks"](*args[:-2], 1, args[-1]),
        lambda *args: MASTER["two_stacks"](*args[:-1], True),
        lambda *args: tuple(t.double() for t in MASTER["two_stacks"](*args)),
    ],
    "coupling": [
        lambda *args: None,
        lambda x, *args: (x, 0 * x.flatten(1).sum(1)),
        lambda *args: MASTER["coupling"](*args[:-1], False),
        lambda *args: tuple(t.detach() for t in MASTER["coupling"](*args)),
        lambda x, mask, net, a, inverse: MASTER["coupling"](x, mask, net, a, inverse)[::-1],
    ],
    "quantise": [
        lambda *args: None,
        lambda *args: MASTER["quantise"](*args)[:2],
        lambda z, *args: (z, *MASTER["quantise"](z, *args)[1:]),
        lambda *args: (lambda z_q, k, loss: (z_q, k.int(), loss))(*MASTER["quantise"](*args)),
        lambda *args: (lambda z_q, k, loss: (z_q, k, loss.detach()))(*MASTER["quantise"](*args)),
        lambda *args: MASTER["quantise"](*args[:-1], 0.25),
        lambda z, codes, w, beta: MASTER["quantise"](z, codes, torch.ones_like(w), beta),
    ],
    "log_density": [
        lambda *args: None,
        lambda *args: MASTER["log_density"](*args)[0],
        lambda *args: tuple(t.detach() for t in MASTER["log_density"](*args)),
        lambda *args: tuple(t.double() for t in MASTER["log_density"](*args)),
        lambda *args: tuple(t.clamp(min=-1e4) for t in MASTER["log_density"](*args)),
        lambda x, a, b: MASTER["log_density"](x, a[[0, -1]], b[[0, -1]]),
    ],
    "bits_bound": [
        lambda *args: None,
        lambda *args: MASTER["bits_bound"](*args).mean(),
        lambda *args: MASTER["bits_bound"](*args).double(),
        lambda *args: torch.full((len(args[1]),), float(args[4]), dtype=args[2].dtype),
        lambda log_p, x, u, log_q, *args: MASTER["bits_bound"](log_p, x, u[:1], log_q[:1], *args),
        lambda log_p, x, *args: (log_p(x.to(args[0].dtype)), MASTER["bits_bound"](
            log_p, x, *args))[1],
        lambda log_p, *args: MASTER["bits_bound"](lambda v: log_p(v).sub_(1).add_(1), *args),
    ],
    "kl_fit": [
        lambda *args: None,
        lambda *args: MASTER["kl_fit"](*args)[:2],
        lambda *args: MASTER["kl_fit"](*args)[0],
        lambda *args: tuple(t.float() for t in MASTER["kl_fit"](*args)),
        lambda x, log_p, lam: MASTER["kl_fit"](x, log_p, round(lam)),
        lambda *args: (lambda mu, sigma, a, b: (mu, sigma, b, a))(*MASTER["kl_fit"](*args)),
    ],
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_lazy_answers_fail(question):
    refuses(check, question, LAZY[question], (*RAISES, TypeError, AttributeError))


TENSORS = {"elbo": range(6), "reparametrise": range(3), "two_stacks": range(5),
           "coupling": range(2), "quantise": range(3), "log_density": range(3),
           "bits_bound": range(1, 4), "kl_fit": range(2)}


@pytest.mark.parametrize("question, i", [(question, i) for question in QUESTIONS
                                         for i in TENSORS[question]])
def test_answers_that_change_an_argument_fail(question, i):
    def touch(*args):
        x = args[i]
        x.copy_(~x if x.dtype == torch.bool else x + 1)

    with pytest.raises(AssertionError, match="in place"):
        check(question, then(MASTER[question], touch))


def test_the_network_of_a_coupling_comes_back_as_it_was():
    changed = [then(MASTER["coupling"], lambda x, mask, net, *args, touch=touch:
                    isinstance(net, torch.nn.Module) and touch(net)) for touch in TOUCHES]
    refuses(check, "coupling", changed)


def test_gradients_are_finite_where_no_z_leads():
    x, a, b = torch.tensor([-3.0, 1.0]), torch.tensor([0.0, 1.0, 2.0]), torch.tensor([1.0, 0.0, 1])
    for i in range(3):
        assert call(MASTER["log_density"], x, a, b, wrt=i, of=0)[1].isfinite().all()


def test_codes_of_places_that_share_them_get_the_sum_of_their_gradients():
    z, codes = torch.ones(2, 1, 3, 1).double(), torch.zeros(1, 2, 1).double()
    _, slope = call(MASTER["quantise"], z, codes, torch.ones(1).double(), 0.0, wrt=1, of=2)
    close(slope, torch.tensor([[[-2.0], [0.0]]]).double())
    assert F.one_hot(MASTER["quantise"](z, codes, torch.ones(1).double(), 0.0)[1]).sum() == 6
