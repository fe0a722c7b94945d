"""What is special about exercise 8: where its variants meet what the library knows; lazy answers
fail, and so do answers that touch what they are lent."""
import math

import pytest
import torch
import torch.nn.functional as F
from exercise import RAISES, TOUCHES, questions, refuses, run, solution, then
from test_answers import check as check_answer

from course_lib.checks import Net, call
from course_lib.checks.facts.draws import seeded
from course_lib.diffusion import ddim, schedule

NAME = "ex08_text_to_image"
QUESTIONS = questions(NAME)
MASTER = {question: run(NAME, question, solution(NAME, question)) for question in QUESTIONS}
check = lambda question, answer, seed=0: check_answer(NAME, question, answer, seed)
close = torch.testing.assert_close
normal = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=seeded(0))


def test_between_equal_lengths_it_is_the_librarys_slerp():
    x, y = F.normalize(normal(2, 6, 4), dim=2)
    for share in (0.0, 0.3, 1.0):
        got = MASTER["interpolate"](3 * x, 3 * y, torch.full((6,), share).double(), 2)
        close(got, ddim.slerp(3 * x, 3 * y, share))


def test_one_edit_without_a_bound_is_the_librarys_slerp():
    z_i, source, to = F.normalize(normal(3, 6, 4), dim=2)
    wish = F.normalize(to - source, dim=1)
    got = MASTER["text_difference"](5 * z_i, source[None], 2 * to[None], torch.ones(1), 0.3, 3.0)
    close(got, ddim.slerp(z_i, wish, 0.3))
    got = MASTER["text_difference"](z_i, source[None], to[None], torch.ones(1), 1.0, math.pi)
    close(got, wish)


def test_without_a_picture_it_is_guidance_with_one_condition():
    """ε̃ = (1 + w) ε(c) − w ε, w = s − 1, where the picture changes nothing."""
    x, z_t = normal(2, 5, 3)
    eps_model = lambda x, t, z_i, z_t: torch.cos(x + z_t)
    none = torch.zeros(3).double()
    got = MASTER["guided_eps"](eps_model, x, torch.arange(5), z_t, z_t, none, none, 7.0, 3.0, 0.0)
    close(got, 3 * torch.cos(x + z_t) - 2 * torch.cos(x))


def test_with_the_full_weight_the_prior_is_trained_on_the_noise():
    """SNR ‖x_0 − x̂_0‖² = ‖ε − ε̂‖² where ε̂ belongs to x̂_0."""
    n, d, rng = 6, 4, seeded(0)
    net = Net.draw("TimeMLP", (2 * d, 8, d), rng, 0.3).double()
    z_i, z_t, eps = torch.randn(3, n, d, dtype=torch.float64, generator=rng)
    alpha_bar, t = schedule.linear(100).alpha_bar, torch.randint(1, 101, (n,), generator=rng)
    x_0, c = (2 * F.normalize(z, dim=1) for z in (z_i, z_t))                    # √d = 2
    a = alpha_bar[t][:, None]
    x_t = a.sqrt() * x_0 + (1 - a).sqrt() * eps
    said = (x_t - a.sqrt() * net.build()(torch.cat([x_t, c], 1), t)) / (1 - a).sqrt()
    got = call(MASTER["prior_loss"], net, z_i, z_t, torch.zeros(n).bool(), z_i[0], t, eps,
               alpha_bar, math.inf)
    close(got, (said - eps).square().sum(1).mean().detach())


LAZY = {
    "contrastive_loss": [
        lambda z_i, z_t, i, t, tau, weight: None,
        lambda z_i, z_t, i, t, tau, weight: 0 * z_i.sum() + tau * 0,
        lambda z_i, z_t, i, t, tau, weight: MASTER["contrastive_loss"](z_i, z_t, i, t, tau, 0.5),
        lambda *args: MASTER["contrastive_loss"](*args).detach(),
        lambda *args: MASTER["contrastive_loss"](*args).double(),
    ],
    "zero_shot": [
        lambda z_i, z_t, c, prior, tau: None,
        lambda *args: MASTER["zero_shot"](*args)[0],
        lambda z_i, z_t, c, prior, tau: MASTER["zero_shot"](z_i, z_t, c, 0 * prior + 1, tau),
        lambda *args: (lambda p, k: (p, k.int()))(*MASTER["zero_shot"](*args)),
        lambda *args: (lambda p, k: (p, p.argmax(1)))(*MASTER["zero_shot"](*args)),
    ],
    "encode": [
        lambda x, is_word, *args: None,
        lambda x, is_word, *args: MASTER["encode"](x, is_word | True, *args),
        lambda *args: MASTER["encode"](*args[:-1], 0.0),
        lambda *args: F.normalize(MASTER["encode"](*args), dim=1),
        lambda *args: MASTER["encode"](*args).double(),
    ],
    "prior_loss": [
        lambda net, z_i, *args: None,
        lambda net, z_i, *args: z_i.sum() * 0,
        lambda *args: MASTER["prior_loss"](*args[:-1], 5.0),
        lambda *args: MASTER["prior_loss"](*args).detach(),
        lambda *args: MASTER["prior_loss"](*args).double(),
        lambda net, z_i, z_t, drop, *args: MASTER["prior_loss"](net, z_i, z_t, drop & False, *args),
    ],
    "guided_eps": [
        lambda e, x, *args: None,
        lambda e, x, t, z_i, z_t, *args: e(x, t, z_i, z_t),
        lambda *args: MASTER["guided_eps"](*args[:-1], 0.0),
        lambda *args: MASTER["guided_eps"](*args[:-1], 1.0),
        lambda *args: MASTER["guided_eps"](*args).double(),
        lambda e, x, t, *args: MASTER["guided_eps"](e, x, t[:1].expand_as(t), *args),
    ],
    "interpolate": [
        lambda x, y, share, power: None,
        lambda x, y, share, power: x,
        lambda x, y, share, power: MASTER["interpolate"](x, y, share.round(), power),
        lambda x, y, share, power: ddim.slerp(x, y, share[0].item()),
        lambda x, y, share, power: MASTER["interpolate"](x, y, share, 2),
        lambda *args: MASTER["interpolate"](*args).double(),
        lambda *args: MASTER["interpolate"](*args).detach(),
    ],
    "text_difference": [
        lambda z_i, *args: None,
        lambda z_i, *args: F.normalize(z_i, dim=1),
        lambda *args: MASTER["text_difference"](*args[:-1], math.pi),
        lambda *args: MASTER["text_difference"](*args).double(),
        lambda *args: MASTER["text_difference"](*args).detach(),
        lambda z_i, a, b, strength, *args: MASTER["text_difference"](z_i, a[:1], b[:1],
                                                                     strength[:1], *args),
    ],
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_lazy_answers_fail(question):
    refuses(check, question, LAZY[question], (*RAISES, TypeError))


TENSORS = {"contrastive_loss": range(5), "zero_shot": range(4), "encode": range(6),
           "prior_loss": range(1, 8), "guided_eps": range(1, 7), "interpolate": range(3),
           "text_difference": range(4)}


@pytest.mark.parametrize("question, i", [(question, i) for question in QUESTIONS
                                         for i in TENSORS[question]])
def test_answers_that_change_an_argument_fail(question, i):
    def touch(*args):
        x = args[i]
        x.copy_(~x if x.dtype == torch.bool else x + 1)

    with pytest.raises(AssertionError, match="in place"):
        check(question, then(MASTER[question], touch))


def test_the_network_of_the_prior_comes_back_as_it_was():
    changed = [then(MASTER["prior_loss"], lambda net, *args, touch=touch: touch(net))
               for touch in TOUCHES]
    refuses(check, "prior_loss", changed)


def test_opposite_vectors_beside_others_are_refused():
    x = F.normalize(normal(4, 3), dim=1)
    y = torch.where(torch.arange(4)[:, None] == 2, -7 * x, x.flip(0))
    with pytest.raises(ValueError):
        MASTER["interpolate"](x, y, torch.full((4,), 0.5), 1)


def test_gradients_are_finite_where_all_is_equal():
    x = F.normalize(normal(3, 4), dim=1)
    for i in range(3):
        args = x, x, torch.full((3,), 0.4).double(), 2
        assert call(MASTER["interpolate"], *args, wrt=i)[1].isfinite().all()
    same = x.flip(0)[None]
    args = x, same, 3 * same, torch.ones(1).double(), 0.5, 0.5
    assert call(MASTER["text_difference"], *args, wrt=0)[1].isfinite().all()
