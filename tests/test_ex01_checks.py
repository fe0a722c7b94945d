"""The checks of exercise 1: the library adapted to the variant passes, lazy answers and those that
change their input fail."""
import math

import pytest
import torch
import torch.nn.functional as F
from exercise import questions, refuses
from test_answers import check as check_answer

from course_lib.checks import Net, call, expect_close
from course_lib.checks.facts.slopes import descend
from course_lib.gan import minimax

NAME = "ex01_minimax"
QUESTIONS = questions(NAME)
check = lambda question, answer: check_answer(NAME, question, answer)


def optimal_discriminator(log_p, log_g, pi):
    top = torch.maximum(log_p, log_g)
    return minimax.optimal_discriminator(pi * (log_p - top).exp(), (1 - pi) * (log_g - top).exp())


def jsd(p, g, pi):
    entropy = -pi * math.log(pi) - (1 - pi) * math.log(1 - pi)
    return minimax.C(pi * p, (1 - pi) * g) + entropy, 0.0, entropy


def discriminator_loss(logit_real, logit_fake, a):
    """Label 0 for a real picture is label 1 with the logit negated."""
    loss = minimax.discriminator_loss
    return a * loss(logit_real, logit_fake) + (1 - a) * loss(-logit_real, logit_fake)


def generator_losses(logit_fake, w):
    mean = lambda loss: sum(w[i] * loss(logit_fake[i:i + 1]) for i in range(len(w))) / w.sum()
    return mean(minimax.minimax_generator_loss), mean(minimax.non_saturating_generator_loss)


def density_ratio(logit, pi, a):
    """D/(a − D) are the odds of D/a, and the logit of D/a is l − log(a − (1 − a) exp(l))."""
    logit_of_share = logit.double() - (a - (1 - a) * logit.double().exp()).clamp(min=0).log()
    return (minimax.density_ratio(logit_of_share) * (1 - pi) / pi).to(logit.dtype)


LIBRARY = {"game_value": lambda D, p, g, pi: minimax.value(D, pi * p, (1 - pi) * g), "jsd": jsd,
           "optimal_discriminator": optimal_discriminator, "discriminator_loss": discriminator_loss,
           "generator_losses": generator_losses, "density_ratio": density_ratio}


@pytest.mark.parametrize("question", LIBRARY)
def test_the_library_is_right_about_the_variant(question):
    """With unnormalised tables pi p and (1 - pi) g, the lecture's functions are those of the game
    with a prior."""
    check(question, LIBRARY[question])


LAZY = {
    "game_value": [
        lambda D, p, g, pi: -math.log(2),
        lambda D, p, g, pi: torch.zeros(p.shape[:-1], dtype=p.dtype),
        lambda D, p, g, pi: minimax.value(D, p, g) / 2,
        lambda D, p, g, pi: torch.nan_to_num(minimax.value(D, pi * p, (1 - pi) * g), neginf=-100.0),
    ],
    "optimal_discriminator": [
        lambda p, g, pi: torch.full_like(p, pi),
        lambda p, g, pi: torch.sigmoid(p - g).detach(),
        lambda p, g, pi: optimal_discriminator(p, g, 0.5),
        lambda p, g, pi: optimal_discriminator(p, g, pi).detach(),
        lambda p, g, pi: optimal_discriminator(p, g, pi).flatten(),
    ],
    "jsd": [
        lambda p, g, pi: torch.zeros(p.shape[:-1], dtype=p.dtype),
        lambda p, g, pi: (*jsd(p, g, pi)[:2], 1.0),
        lambda p, g, pi: jsd(p, g, 0.5),
        lambda p, g, pi: (jsd(p, g, pi)[0].mean(), *jsd(p, g, pi)[1:]),
        lambda p, g, pi: jsd(p.double(), g.double(), pi),
    ],
    "discriminator_loss": [
        lambda r, f, a: 2 * math.log(2) + 0 * (r.sum() + f.sum()),
        lambda r, f, a: None,
        lambda r, f, a: discriminator_loss(r, f, 1.0),
        lambda r, f, a: discriminator_loss(r, f, 0.9),
        lambda r, f, a: discriminator_loss(r.clamp(-50, 50), f.clamp(-50, 50), a),
        lambda r, f, a: discriminator_loss(r, f, a) * len(r),
    ],
    "generator_losses": [
        lambda f, w: (-F.softplus(f).mean(), F.softplus(-f).mean()),
        lambda f, w: F.softplus(f).mean(),
        lambda f, w: generator_losses(f.clamp(-50, 50), w),
        lambda f, w: generator_losses(f, w)[:1] * 2,
        lambda f, w: generator_losses(f, w.square()),
    ],
    "discriminator_steps": [
        lambda D, G, xs, zs, lr, a: (D.state_dict(), 0.0),
        lambda D, G, xs, zs, lr, a: None,
    ],
    "generator_steps": [
        lambda D, G, zs, lr: (G.state_dict(), D.state_dict()),
        lambda D, G, zs, lr: (D.state_dict(), G.state_dict()),
    ],
    "density_ratio": [
        lambda x, pi, a: torch.ones_like(x),
        lambda x, pi, a: density_ratio(x, 0.5, a),
        lambda x, pi, a: density_ratio(x, pi, 1.0),
        lambda x, pi, a: density_ratio(x, pi, a).clamp(max=1e9),
        lambda x, pi, a: density_ratio(x, pi, a).double(),
    ],
    "proof": [None, [], "sum(pi*p*log(D))", ["pi*log(pi) + (1-pi)*log(1-pi)"], [1, 2, 3]],
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_lazy_answers_fail(question):
    refuses(check, question, LAZY[question])


@pytest.mark.parametrize("question", LIBRARY)
def test_answers_that_change_their_input_fail(question):
    def answer(x, *args):
        result = LIBRARY[question](x, *args)
        x.data.mul_(2).add_(1)
        return result

    with pytest.raises(AssertionError, match="in place"):
        check(question, answer)


def test_a_call_protects_the_check():
    x = torch.zeros(2, requires_grad=True)
    result = call(lambda y, tensors: (y * 2, {"first": tensors[0]}), x, [x])
    assert not result[0].requires_grad and result[1]["first"].data_ptr() != x.data_ptr()
    with pytest.raises(AssertionError, match="no gradient flows from the result back to y"):
        call(lambda y: torch.tensor(y.sum().item()), x, wrt=0)
    value, gradient = call(lambda y: y.square().sum(), torch.tensor([1.0, 2.0]), wrt=0)
    assert value == 5 and gradient.tolist() == [2, 4]


def test_a_net_is_rebuilt_from_its_description():
    net = Net.draw("mlp", (2, 5, 1), torch.Generator().manual_seed(0))
    state = call(lambda module: module.state_dict(), net)
    assert all(torch.equal(state[key], net.state[key]) for key in net.state)
    call(lambda module: module[0].weight.data.zero_(), net)
    assert net.state["0.weight"].abs().min() > 0
    assert net.double().build()[0].weight.dtype == torch.float64


def test_a_network_comes_with_gradients_and_one_that_is_lent_comes_back():
    rng = torch.Generator().manual_seed(0)
    D, G = Net.draw("mlp", (2, 1), rng), Net.draw("mlp", (2, 2), rng)._replace(grad=0.5)
    found = call(lambda D, G: [x.grad for x in (*D.parameters(), *G.parameters())], D, G)
    assert found[:2] == (None, None) and all((grad == 0.5).all() for grad in found[2:])

    def move(net):
        torch.optim.SGD(net.parameters(), lr=1.0).step()
        net.requires_grad_(False)
        return 0

    call(lambda D, G: move(G), D, G, lent=(0,))
    with pytest.raises(AssertionError, match="the network G is not as it was"):
        call(lambda D, G: move(G), D, G, lent=(1,))

    def learn(D, G):
        D(G(torch.ones(1, 2))).sum().backward()
        return 0

    call(learn, D, G._replace(grad=math.nan), lent=(1,))
    call(lambda D, G: (G.zero_grad(), 0), D, G._replace(grad=math.nan), lent=(1,))
    for change in (learn, lambda D, G: (G.zero_grad(), 0)):
        with pytest.raises(AssertionError, match="the network G is not as it was"):
            call(change, D, G, lent=(1,))
    with pytest.raises(AssertionError, match="the network D is not as it was"):
        call(learn, D, G, lent=(0, 1))
    call(lambda D, G: (learn(D, G), D.zero_grad(), 0)[2], D, G._replace(grad=None), lent=(0,))


def test_a_tensor_that_is_lent_is_not_marked():
    x = torch.ones(2)
    for mark in (lambda x: x.requires_grad_(), lambda x: x.requires_grad_().sum().backward()):
        with pytest.raises(AssertionError, match="marks your caller's"):
            call(lambda x, mark=mark: (mark(x), x.detach())[1], x)
    call(lambda x: x.detach().requires_grad_(), x)
    call(lambda x: x.requires_grad_(), x, marked=0)
    assert call(lambda xs: 2 * xs[0], [x]).sum() == 4


def test_both_shapes_count_for_one_number():
    for got in (2.0, 2, torch.tensor(2.0), torch.tensor([2.0])):
        expect_close("two", got, 2.0, "Count.")
        expect_close("two", got, torch.tensor([2.0]), "Count.")
    for got in (True, "2", None, [2.0], torch.tensor([[2.0]]), torch.tensor([2.0, 2.0]), math.nan,
                2.1):
        with pytest.raises(AssertionError, match="two: expected"):
            expect_close("two", got, 2.0, "Count.")
    with pytest.raises(AssertionError, match="two: expected real numbers"):
        expect_close("two", torch.tensor(2.0 + 5j), 2.0, "Count.")
    with pytest.raises(AssertionError, match=r"expected 1 at \[1\], got 3"):
        expect_close("ones", torch.tensor([1.0, 3.0]), torch.ones(2), "Count.")


def test_descend_takes_autograds_step():
    rng = torch.Generator().manual_seed(0)
    net, x = Net.draw("mlp", (3, 8, 1), rng).double(), torch.randn(6, 3, generator=rng).double()
    loss = lambda module, x: module(x).sigmoid().square().sum()
    module = net.build()
    loss(module, x).backward()
    after = descend(net, loss, 0.5, x)
    for key, weight in module.named_parameters():
        expected = (weight - 0.5 * weight.grad).detach()
        torch.testing.assert_close(after.state[key], expected, rtol=0, atol=1e-7)


def test_plain_slips_get_plain_words():
    def fails(x):
        raise AssertionError                     # pytest gives a failed assert a message

    x = torch.zeros(3, 4)
    for answer, said in ((fails, "an assert of your own"), (lambda x: x + x.T, "shapes do not fit"),
                         (lambda x: x.sum(5), "shapes do not fit")):
        with pytest.raises(AssertionError, match=rf"{said}.*Asked with: shape \(3, 4\)"):
            call(answer, x)
    with pytest.raises(AssertionError, match="is a return missing"):
        call(lambda x: None, x, wrt=0)
    near = torch.tensor(0.97513)
    with pytest.raises(AssertionError, match="expected 0.975130022, got 0.97513. "):
        expect_close("near", 0.97513, near, "Count.", rtol=0, atol=1e-12)
