"""What is special about exercise 7: the library, adapted to its variants, passes its checks; lazy
answers do not."""
import math
from types import SimpleNamespace

import pytest
import torch
from exercise import questions, run, solution
from test_answers import check as check_answer
from test_ex06_checks import from_alpha_bar

from course_lib.checks import Net, call
from course_lib.checks.facts.draws import seeded
from course_lib.diffusion import ddim, guidance, schedule
from course_lib.diffusion.gaussian_chain import reverse_mean
from course_lib.diffusion.parametrisations import (
    eps_from_v,
    eps_from_x_0,
    x_0_from_eps,
    x_0_from_v,
)

NAME = "ex07_ddim_and_guidance"
QUESTIONS = questions(NAME)
MASTER = {question: run(NAME, question, solution(NAME, question)) for question in QUESTIONS}
check = lambda question, answer, seed=0: check_answer(NAME, question, answer, seed)


def sigmas(alpha_bar, tau, eta):
    short = from_alpha_bar(alpha_bar).respace(tau.tolist())
    largest = (1 - short.alpha_bar[1:]).sqrt() / ddim.sigma_hat(short)[1:]
    return eta * ddim.sigma(short, 1.0)[1:], largest


def ddim_step(v, x_t, alpha_bar, t, s, sigma, z):
    """One image at a time, on the chain 0, s, t; where ᾱ_t = 0, which no chain of the library has,
    v = −x_0 and x_t = ε."""
    images = []
    for i, (s_i, t_i) in enumerate(zip(s.tolist(), t.tolist())):
        x, v_i, z_i = x_t[i:i + 1], v[i:i + 1], z[i:i + 1]
        alpha_bar_s = alpha_bar[s_i]
        if alpha_bar[t_i] == 0:
            direction = (1 - alpha_bar_s - sigma[i] ** 2).clamp(min=0).sqrt()
            images.append(alpha_bar_s.sqrt().to(x) * -v_i + direction.to(x) * x + sigma[i] * z_i)
            continue
        short = from_alpha_bar(alpha_bar[[0, s_i, t_i] if s_i else [0, t_i]])
        if alpha_bar[t_i] < 0.01 or not s_i:           # the library divides by its root
            direction = (1 - alpha_bar_s - sigma[i] ** 2).clamp(min=0).sqrt().to(x)
            images.append(alpha_bar_s.sqrt().to(x) * x_0_from_v(short, v_i, x, short.T)
                          + direction * eps_from_v(short, v_i, x, short.T) + sigma[i].to(x) * z_i)
            continue
        eps = eps_from_v(short, v_i, x, short.T)
        images.append(ddim.ddim_step(short, eps, x, short.T, z_i, sigma[i].expand(short.T + 1)))
    return torch.cat(images)


def log_p_gradient(classifier, x_t, t, mask):
    def log_p(x, t, mask):
        return classifier(x, t).log_softmax(1).masked_fill(~mask, -math.inf).logsumexp(1)
    return guidance.log_p_gradient(log_p, x_t, t, mask), "nothing"


def guided_x_0(x_0, x_t, gradient, alpha_bar, t, scale):
    """ε̂ of the library, for a log p(y | x) that is a line with the given slope."""
    noise = from_alpha_bar(alpha_bar)
    eps = guidance.guided(lambda x, t: eps_from_x_0(noise, x_0, x, t), noise,
                          lambda x, t, y: (x * gradient).flatten(1).sum(1), None, scale)(x_t, t)
    return x_0_from_eps(noise, eps, x_t, t)


def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    """ε̃ of the library for y and for y', with the exponents 1 + w and −u."""
    def model(x, t, y):
        return eps_model(x, t, y)

    model.net, model.T = SimpleNamespace(classes=none), 0
    guided = lambda y, w: guidance.classifier_free(model, y, w)(x_t, t)
    return guided(y, w) + guided(y_not, -u - 1) - guided(y, -1.0)


LIBRARY = {"sigmas": sigmas, "ddim_step": ddim_step, "log_p_gradient": log_p_gradient}


@pytest.mark.parametrize("question", LIBRARY)
def test_the_library_is_right_about_the_variant(question):
    for seed in range(3):
        check(question, LIBRARY[question], seed)


def test_the_librarys_guidance_says_the_same():
    """It takes functions, and asks them in its own way: numbers are compared alone."""
    rng, close = seeded(0), torch.testing.assert_close
    x_0, x, gradient = torch.randn(3, 4, 2, 3, dtype=torch.float64, generator=rng)
    t, y, y_not = torch.tensor([[1, 20, 50, 90], [0, 1, 2, 3], [4, 2, 1, 0]])
    args = x_0, x, gradient, schedule.linear(100).alpha_bar, t, 3.0
    close(guided_x_0(*args), MASTER["guided_x_0"](*args))
    args = lambda x, t, y: x * torch.cos(y + t)[:, None, None], x, t, y, y_not, 5, 1.5, 0.4
    close(classifier_free(*args), MASTER["classifier_free"](*args))


def test_the_librarys_sampler_brings_encoded_images_back():
    noise = schedule.linear(60, 1e-3, 0.1)
    x_0 = torch.randn(4, 2, dtype=torch.float64, generator=seeded(0))
    decode = lambda x_T: ddim.ddim_sample(eps_model, noise, x_T, tau.tolist())
    tau, eps_model = torch.arange(4, 61, 4), lambda x, t: 0.8 * torch.tanh(x + t[:, None] / 60)
    x_T = MASTER["encode"](eps_model, x_0, noise.alpha_bar, tau, 60)
    torch.testing.assert_close(decode(x_T), x_0, rtol=0, atol=1e-8)
    euler = ddim.ddim_encode(eps_model, noise, x_0, tau.tolist())
    assert 0.001 < (decode(euler) - x_0).abs().max() < 0.5                # so this is a question


def test_the_librarys_guided_sampler_shifts_the_same_mean():
    """At t = 2 of 2 steps, without the noise of either; the last step is not shifted."""
    noise = schedule.linear(2, 0.1, 0.3)
    x_T = torch.randn(5, 3, dtype=torch.float64, generator=seeded(0))
    eps_model, log_p = lambda x, t: torch.tanh(x), lambda x, t, y: -(x - 1).square().sum(1)
    variance = torch.tensor([0.0, 0.0, 0.4], dtype=torch.float64)
    zero = lambda *size, **kwargs: torch.zeros(*size, dtype=torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn", zero)
        got = guidance.guided_sample(eps_model, noise, x_T, log_p, torch.zeros(5).long(), 3.0,
                                     variance=variance, at_mean=True)
    mean = reverse_mean(noise, eps_model(x_T, 2), x_T, 2)
    gradient = lambda x, t: -2 * (x - 1)
    log_var = variance[2].log().expand(5, 3)
    x_1 = MASTER["guided_mean"](x_T, torch.full((5,), 2), mean, log_var, gradient, 3.0)
    torch.testing.assert_close(got, reverse_mean(noise, eps_model(x_1, 1), x_1, 1))


def slow_sequence(T, S, power):
    if not 1 <= S <= T:
        raise ValueError
    return torch.tensor([max(i, T * i ** power // S ** power) for i in range(1, S + 1)])


LAZY = {
    "sub_sequence": [
        lambda T, S, power: None,
        lambda T, S, power: torch.arange(1, S + 1),
        lambda T, S, power: slow_sequence(T, S, 2),
        lambda T, S, power: slow_sequence(T, S, power).tolist(),
        lambda T, S, power: slow_sequence(T, S, power).int(),
        lambda T, S, power: schedule.linear(T).respace(S).times[1:],
    ],
    "sigmas": [
        lambda a, tau, eta: (0 * eta, 1 + 0 * eta),
        lambda a, tau, eta: sigmas(a, tau, eta)[0],
        lambda a, tau, eta: (sigmas(a, tau, eta)[0], 1 + 0 * eta),
        lambda a, tau, eta: sigmas(a, tau, eta.mean()),
        lambda a, tau, eta: tuple(x.float() for x in sigmas(a, tau, eta)),
        lambda a, tau, eta: sigmas(a, tau, eta.clamp(max=1)),
    ],
    "ddim_step": [
        lambda v, x, a, t, s, sigma, z: x,
        lambda v, x, a, t, s, sigma, z: None,
        lambda v, x, a, t, s, sigma, z: ddim_step(v, x, a, t, s, 0 * sigma, z),
        lambda v, x, a, t, s, sigma, z: ddim_step(v, x, a, t, s, sigma, z).double(),
        lambda v, x, a, t, s, *noise: ddim_step(v, x, a, t[:1].expand_as(t), s[:1].expand_as(s),
                                                *noise),
    ],
    "encode": [
        lambda eps, x, a, tau, n: x,
        lambda eps, x, a, tau, n: a[tau[-1]].sqrt().to(x) * x,
        lambda eps, x, a, tau, n: ddim.ddim_encode(eps, from_alpha_bar(a), x, tau.tolist()),
        lambda eps, x, a, tau, n: MASTER["encode"](lambda x, t: eps(x, t[0].item()), x, a, tau, n),
        lambda eps, x, a, tau, n: MASTER["encode"](eps, x, a, tau, 60),
        lambda eps, x, a, tau, n: MASTER["encode"](eps, x, a, tau[-1:], n),
        lambda eps, x, a, tau, n: MASTER["encode"](eps, x.double(), a, tau, n),
    ],
    "log_p_gradient": [
        lambda net, x, t, mask: (torch.zeros_like(x), "nothing"),
        lambda *args: log_p_gradient(*args)[0],
        lambda *args: (log_p_gradient(*args)[0], "a graph"),
        lambda net, x, t, mask: log_p_gradient(net, x, t, mask[:1].expand_as(mask)),
        lambda net, x, t, mask: log_p_gradient(net, x, 0 * t + 1, mask),
        lambda *args: (log_p_gradient(*args)[0].clamp(-100, 100), "nothing"),
    ],
    "guided_x_0": [
        lambda x_0, x, g, a, t, s: x_0,
        lambda x_0, x, g, a, t, s: x_0 + s * g,
        lambda x_0, x, g, a, t, s: None,
        lambda x_0, x, g, a, t, s: guided_x_0(x_0, x, g, a, t[:1].expand_as(t), s),
        lambda x_0, x, g, a, t, s: guided_x_0(x_0, x, g, a, t, 1.0 if s else 0.0),
        lambda x_0, x, g, a, t, s: guided_x_0(x_0, x, g, a, t, s).double(),
    ],
    "guided_mean": [
        lambda x, t, mean, v, g, s: mean,
        lambda x, t, mean, v, g, s: mean + s * v.exp(),
        lambda x, t, mean, v, g, s: mean + s * v.exp() * g(mean, t - 1),
        lambda x, t, mean, v, g, s: mean + s * v.exp() * g(mean, t[0].item()),
        lambda x, t, mean, v, g, s: mean + s * v.exp() * (g(mean, t) + g(mean, t)) / 2,
    ],
    "classifier_free": [
        lambda e, x, t, y, y_not, none, w, u: e(x, t, y),
        lambda e, x, t, y, y_not, none, w, u: None,
        lambda e, x, t, y, *args: classifier_free(e, x, t, y[:1].expand_as(y), *args),
        lambda e, x, t, y, y_not, none, w, u: classifier_free(e, x, t, y, y_not, none - 1, w, u),
        lambda e, x, t, y, y_not, none, w, u: classifier_free(e, x, t, y, y_not, none, max(w, 0),
                                                              u),
        lambda e, *args: classifier_free(lambda x, t, y: e(x, t, y.tolist()), *args),
    ],
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_lazy_answers_fail(question):
    for i, answer in enumerate(LAZY[question]):
        try:
            check(question, answer)
        except (AssertionError, TypeError, AttributeError):
            continue
        pytest.fail(f"{question}: the check accepts lazy answer {i}")


TENSORS = {"sigmas": (0, 1, 2), "ddim_step": range(7), "encode": (1, 2, 3),
           "log_p_gradient": (1, 2, 3), "guided_x_0": range(5), "guided_mean": range(4),
           "classifier_free": range(1, 5)}


@pytest.mark.parametrize("question, i", [(question, i) for question in TENSORS
                                         for i in TENSORS[question]])
def test_answers_that_change_an_argument_fail(question, i):
    def answer(*args):
        result = MASTER[question](*args)
        x = args[i].data
        x.copy_(~x if x.dtype == torch.bool else x + 1)
        return result

    with pytest.raises(AssertionError, match="in place"):
        check(question, answer)


def test_what_is_left_behind_is_told():
    rng = seeded(0)
    net = Net.draw("TimeMLP", (2, 8, 3), rng)
    x, t = torch.randn(4, 2, generator=rng), torch.arange(1, 5)
    mask = torch.tensor([True, False, True]).expand(4, 3)
    assert call(MASTER["log_p_gradient"], net, x, t, mask)[1] == "nothing"
    namespace = MASTER["log_p_gradient"].__globals__
    state, left_behind = namespace["state"], namespace["left_behind"]
    module = net.build()
    before = state(module, x)
    assert left_behind(before, x) == "nothing"
    assert left_behind(before, module(x, t)) == "a graph behind the result"
    for what, change in (("an x_t that requires a gradient", lambda: x.requires_grad_()),
                         ("a classifier in another mode", module.eval),
                         ("converted weights", module.double),
                         ("frozen weights", lambda: module.requires_grad_(False))):
        change()
        assert left_behind(before, torch.zeros(1)) == what
    module = net.build()
    before = state(module, x)
    module(x.detach(), t).sum().backward()
    assert left_behind(before, x.detach()) == "gradients in the classifier's weights"


def test_clear_cases_are_many():
    """Far logits are compared on some images only; there must be some, for the notebook's seeds."""
    seen = []

    def answer(net, x, t, mask):
        seen.append(len(x))
        return MASTER["log_p_gradient"](net, x, t, mask)

    for seed in (0, 1, 2):
        seen.clear()
        check("log_p_gradient", answer, seed)
        assert seen[-2:] == [8, 8]
