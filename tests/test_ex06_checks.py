"""The checks of exercise 6: the library adapted to the variant passes, lazy answers and those that
change their input fail."""
from functools import wraps

import pytest
import torch
from exercise import questions, refuses, run
from test_answers import check as check_answer

from course_lib.checks import Net, expect_close
from course_lib.checks.facts.chains import conditional, exact_eps
from course_lib.checks.facts.draws import random_alpha_bar, seeded
from course_lib.diffusion import bound, ddpm
from course_lib.diffusion.gaussian_chain import posterior_mean, q_sample, reverse_mean
from course_lib.diffusion.parametrisations import eps_from_v, v_from_eps
from course_lib.diffusion.schedule import NoiseSchedule
from course_lib.hidden.chains import velocity
from course_lib.hidden.ex06.reverse import ancestral_chain

NAME = "ex06_diffusion"
QUESTIONS = questions(NAME)
check = lambda question, answer: check_answer(NAME, question, answer)


def beside_nan(answer):
    """The library refuses what is not finite: it gets 0 there, and the result is NaN or inf."""
    @wraps(answer)
    def wrapped(*args):
        pictures = [x for x in args if isinstance(x, torch.Tensor) and x.ndim > 1]
        lost = sum(x.where(~x.isfinite(), 0) for x in pictures)
        result = answer(*(x.where(x.isfinite(), 0) if any(x is y for y in pictures) else x
                          for x in args))
        if isinstance(result, tuple):
            return result[0] + lost, result[1]
        return result + lost
    return wrapped


def from_alpha_bar(alpha_bar) -> NoiseSchedule:
    return NoiseSchedule(1 - alpha_bar[1:] / alpha_bar[:-1])


def schedule(T, lambda_1, lambda_T):
    """The library's schedule of the betas that a log-SNR on a straight line asks for."""
    share = torch.sigmoid(torch.linspace(lambda_1, lambda_T, T, dtype=torch.float64))
    made = NoiseSchedule([1 - share[0], *(1 - share[1:] / share[:-1])])
    return made.beta, made.alpha, made.alpha_bar


def later(alpha_bar, s, t):
    """The chain that begins at s: its alpha_bar, and t counted from there."""
    return from_alpha_bar(alpha_bar[s:] / alpha_bar[s]), t - s


@beside_nan
def jump(x_s, s, t, eps, alpha_bar):
    pictures = []
    for x, noise, i, j in zip(x_s, eps, s.tolist(), t.tolist()):
        chain, steps = later(alpha_bar, i, j)
        pictures.append(q_sample(chain, x[None].double(), steps, noise[None].double()))
    return torch.cat(pictures).to(x_s.dtype)


@beside_nan
def posterior(x_0, x_t, s, t, alpha_bar):
    """On the respaced chain that stays at s and t only, x_s has the posterior of one step."""
    full, means, variances = from_alpha_bar(alpha_bar), [], []
    for a, b, i, j in zip(x_0, x_t, s.tolist(), t.tolist()):
        short = full.respace([k for k in (i, j) if k > 0])
        means.append(posterior_mean(short, a[None], b[None], short.T))
        variances.append(short.posterior_variance[-1])
    return torch.cat(means), torch.stack(variances).to(x_t)


def gaussian_kl(mean_1, log_var_1, mean_2, log_var_2):
    """In units of the second standard deviation, where the library's variances do not overflow."""
    dtype = mean_1.dtype
    mean_1, log_var_1, mean_2, log_var_2 = (
        x.double() for x in (mean_1, log_var_1, mean_2, log_var_2))
    unit, zero = torch.exp(-log_var_2 / 2), torch.zeros_like(mean_1)
    ratio = torch.exp(log_var_1 - log_var_2)
    pixels = bound.gaussian_kl((mean_1 - mean_2) * unit, ratio, zero, zero + 1)
    return pixels.flatten(1).sum(1).to(dtype)


def with_gradients(loss, net):
    names, weights = zip(*net.named_parameters())
    return loss.detach(), dict(zip(names, torch.autograd.grad(loss, weights)))


def v_loss(net, x_0, t, eps, alpha_bar):
    if not (x_0 + eps).isfinite().all():                        # which the library refuses
        return with_gradients(torch.nan * net(x_0, t).sum(), net)
    full = from_alpha_bar(alpha_bar)
    x_0, eps = x_0.double(), eps.double()       # or the library rounds the table to float32
    x_t, v = q_sample(full, x_0, t, eps).float(), v_from_eps(full, eps, x_0, t).float()
    loss = (v - net(x_t, t)).square().mean() * x_0.shape[1]
    return with_gradients(loss, net)


@beside_nan
def ancestral_step(x_t, v, t, z, alpha_bar, share):
    full, dtype = from_alpha_bar(alpha_bar), x_t.dtype
    x_t, v = x_t.double(), v.double()           # or the library rounds the table to float32
    mean = reverse_mean(full, eps_from_v(full, v, x_t, t), x_t, t)
    sigma = full.beta ** (share / 2) * full.posterior_variance ** ((1 - share) / 2)
    sigma[:2] = 0                                               # index 0 and the last step
    return (mean + full.at(sigma, t, x_t) * z).to(dtype)


def sample(eps_model, x_T, z, times, alpha_bar):
    """On the respaced schedule, step by step, since the library's own sampler draws its noise."""
    short = from_alpha_bar(alpha_bar).respace(times)
    lost = x_T.isnan() | z[times[1:]].isnan().any(0)            # which the library refuses
    x, z = x_T.nan_to_num(0), z.nan_to_num(0)
    for i in range(short.T, 0, -1):
        eps = eps_model(x, torch.full((len(x),), times[i - 1]))
        x = reverse_mean(short, eps, x, i)
        if i > 1:
            x = x + short.at(short.beta.sqrt(), i, x) * z[times[i - 1]]
    return x.masked_fill(lost, torch.nan)


LIBRARY = {"schedule": schedule, "jump": jump, "posterior": posterior, "gaussian_kl": gaussian_kl,
           "v_loss": v_loss, "ancestral_step": ancestral_step, "sample": sample}


@pytest.mark.parametrize("question", LIBRARY)
def test_the_library_is_right_about_the_variant(question):
    check(question, LIBRARY[question])


def test_the_check_follows_the_librarys_own_sampler():
    """Without noise, ddpm_sample and the chain of the check are the same function of x_T."""
    alpha_bar = random_alpha_bar(seeded(0), 9)
    eps_model, times = exact_eps(alpha_bar, 0.3, 0.5), [2, 5, 9]
    x_T = torch.randn(4, 2, generator=seeded(1)).double()
    short = from_alpha_bar(alpha_bar).respace(times)
    quiet = ddpm.ddpm_sample(eps_model, short, x_T, variance=torch.zeros(4).double())
    chain = ancestral_chain(eps_model, x_T, torch.zeros(10, 4, 2), times, alpha_bar)
    expect_close("x", chain, quiet, "", rtol=1e-12)
    bars = NoiseSchedule(short.beta[1:])
    bars.alpha = bars.alpha_bar
    wrong = ddpm.ddpm_sample(eps_model, bars, x_T, variance=torch.zeros(4).double())
    assert (wrong - quiet).abs().min() > 1e-3


def test_what_the_exercise_says_about_its_chain():
    """T = 100, beta from 0.001 to 0.2, data N(0, 0.01): the right chain ends with 1.18 times the
    variance, or with 0.64 times."""
    made, one = NoiseSchedule(torch.linspace(1e-3, 0.2, 100).double()), torch.ones(1, 1).double()
    eps_model = exact_eps(made.alpha_bar, 0.0, 0.01)
    for variances, expected in ((made.beta, 1.18), (made.posterior_variance, 0.64)):
        variance = 1.0
        for t in range(100, 0, -1):
            shrunk = reverse_mean(made, eps_model(one, torch.tensor([t])), one, t).item()
            variance = shrunk ** 2 * variance + (variances[t].item() if t > 1 else 0)
        assert abs(variance / 0.01 - expected) < 0.005

    c, inside = 0.01, made.alpha_bar * 0.01 + 1 - made.alpha_bar
    for t in (2, 10, 100):                      # the joint Gaussian of x_{t-1} and x_t, conditioned
        before, root = c * made.alpha_bar[t - 1] + 1 - made.alpha_bar[t - 1], made.alpha[t].sqrt()
        joint = torch.stack([torch.stack([before, root * before]),
                             torch.stack([root * before, inside[t]])])[None]
        on_x_t, true = conditional(joint)
        expect_close("the reverse variance", true[0], made.beta[t] * inside[t - 1] / inside[t], "",
                     rtol=1e-10)
        assert made.posterior_variance[t] < true < made.beta[t]
        shrunk = reverse_mean(made, eps_model(one, torch.tensor([t])), one, t)
        expect_close("the reverse mean", shrunk.item(), on_x_t.item(), "", rtol=1e-10)
    variance = 1.0
    for t in range(100, 0, -1):
        shrunk = reverse_mean(made, eps_model(one, torch.tensor([t])), one, t).item()
        variance = shrunk ** 2 * variance + (made.beta[t] * inside[t - 1] / inside[t]).item()
    assert abs(variance / 0.01 - 1) < 1e-2


def test_what_the_rubric_says_about_the_weights():
    """The bound's factor of the squared error of eps, for sigma² = beta    DDPM, eq. 12"""
    def weights(T, beta_1, beta_T):
        made = NoiseSchedule(torch.linspace(beta_1, beta_T, T))
        return made.beta / (2 * made.alpha * (1 - made.alpha_bar))

    short, long = weights(100, 1e-3, 0.2), weights(1000, 1e-4, 0.02)
    assert abs(short[2] - 0.38) < 0.005 and abs(short[-1] - 0.125) < 0.0005
    assert abs(long[2] / long[-1] - 27) < 0.5


LAZY = {
    "schedule": [
        lambda T, a, b: (torch.zeros(T + 1).double(), *torch.ones(2, T + 1).double()),
        lambda T, a, b: None,
        lambda T, a, b: schedule(T, a, b)[::-1],
        lambda T, a, b: tuple(x.float() for x in schedule(T, a, b)),
        lambda T, a, b: tuple(x[1:] for x in schedule(T, a, b)),
        lambda T, a, b: schedule(T, 9.0, -12.0),
        lambda T, a, b: (*schedule(T, a, b)[:2], schedule(T, a, b)[1]),
    ],
    "jump": [
        lambda x, s, t, e, a: x,
        lambda x, s, t, e, a: e,
        lambda x, s, t, e, a: x + e,
        lambda x, s, t, e, a: jump(x, s, t, 0 * e, a),
        lambda x, s, t, e, a: jump(0 * x, s, t, e, a),
        lambda x, s, t, e, a: jump(x, s, t, e, a).double(),
        lambda x, s, t, e, a: jump(x, s[:1].expand_as(s), t[:1].expand_as(t), e, a),
        lambda x, s, t, e, a: jump(x, s, t, -e, a),
    ],
    "posterior": [
        lambda x, y, s, t, a: (x, torch.zeros(len(x))),
        lambda x, y, s, t, a: (y, torch.ones(len(x))),
        lambda x, y, s, t, a: x,
        lambda x, y, s, t, a: (posterior(x, y, s, t, a)[0], torch.zeros(len(x), dtype=x.dtype)),
        lambda x, y, s, t, a: (0 * x, posterior(x, y, s, t, a)[1]),
        lambda x, y, s, t, a: (posterior(x, y, s, t, a)[0], posterior(x, y, s, t, a)[1].mean()),
        lambda x, y, s, t, a: tuple(r.double() for r in posterior(x, y, s, t, a)),
    ],
    "gaussian_kl": [
        lambda m, v, n, w: torch.zeros(len(m), dtype=m.dtype),
        lambda m, v, n, w: gaussian_kl(m, v, n, w).mean(),
        lambda m, v, n, w: gaussian_kl(m, v, n, v),
        lambda m, v, n, w: gaussian_kl(n, v, n, w),
        lambda m, v, n, w: gaussian_kl(m, v.clamp(-50, 50), n, w.clamp(-50, 50)),
        lambda m, v, n, w: gaussian_kl(m, v, n, w).double(),
        lambda m, v, n, w: gaussian_kl(m, v.detach(), n, w),
    ],
    "v_loss": [
        lambda net, x, t, e, a: None,
        lambda net, x, t, e, a: with_gradients(net(x, t).square().sum(1).mean(), net),
        lambda net, x, t, e, a: (v_loss(net, x, t, e, a)[0],
                                 {k: 0 * w for k, w in net.state_dict().items()}),
        lambda net, x, t, e, a: (torch.zeros(()), v_loss(net, x, t, e, a)[1]),
        lambda net, x, t, e, a: v_loss(net, x, t[:1].expand_as(t), e, a),
        lambda net, x, t, e, a: v_loss(net, x, t, e.roll(1, 0), a),
    ],
    "ancestral_step": [
        lambda x, v, t, z, a, w: x,
        lambda x, v, t, z, a, w: z,
        lambda x, v, t, z, a, w: None,
        lambda x, v, t, z, a, w: ancestral_step(x, v, t, 0 * z, a, w),
        lambda x, v, t, z, a, w: ancestral_step(x, v, t, z, a, 1.0),
        lambda x, v, t, z, a, w: ancestral_step(x, v, t, z, a, 0.0),
        lambda x, v, t, z, a, w: ancestral_step(x, 0 * v, t, z, a, w),
        lambda x, v, t, z, a, w: ancestral_step(x, v, t, -z, a, w),
        lambda x, v, t, z, a, w: ancestral_step(x, v, t, z, a, w).double(),
    ],
    "sample": [
        lambda m, x, z, times, a: x,
        lambda m, x, z, times, a: 0 * x,
        lambda m, x, z, times, a: sample(m, x, 0 * z, times, a),
        lambda m, x, z, times, a: sample(lambda x, t: 0 * x, x, z, times, a),
        lambda m, x, z, times, a: sample(m, 0 * x, z, times, a),
        lambda m, x, z, times, a: sample(m, x, z, list(range(1, times[-1] + 1)), a),
        lambda m, x, z, times, a: sample(lambda x, t: m(x, t.float()), x, z, times, a),
        lambda m, x, z, times, a: sample(lambda x, t: m(x, t[0].item()), x, z, times, a),
        lambda m, x, z, times, a: sample(lambda x, t: (m(x, t), m(x, t))[1], x, z, times, a),
        lambda m, x, z, times, a: sample(m, x, z, times, a).double(),
        lambda m, x, z, times, a: sample(m, x, z, times, a).clamp(-1, 1),
    ],
    "proof": [None, [], "E(-log(p[0]))", ["E(-log(p[0]))"], [1, 2, 3], ["E(-log(p[0]))"] * 6],
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_lazy_answers_fail(question):
    refuses(check, question, LAZY[question])


CHANGED = {"jump": (0, 3, 4), "posterior": (0, 1, 4), "gaussian_kl": (0, 1, 2, 3),
           "v_loss": (1, 3, 4), "ancestral_step": (0, 1, 3, 4), "sample": (1, 2, 4)}


@pytest.mark.parametrize("question, i", [(question, i) for question in CHANGED
                                         for i in CHANGED[question]])
def test_answers_that_change_their_input_fail(question, i):
    def answer(*args):
        result = LIBRARY[question](*args)
        args[i].data.mul_(2).add_(1)
        return result

    with pytest.raises(AssertionError, match="in place"):
        check(question, answer)


def test_times_that_are_changed_in_place_fail():
    def answer(x_s, s, t, eps, alpha_bar):
        result = jump(x_s, s, t, eps, alpha_bar)
        t -= 1
        return result

    with pytest.raises(AssertionError, match="t was changed in place"):
        check("jump", answer)


def test_v_is_the_slope_of_the_path():
    rng = seeded(0)
    alpha_bar, t = random_alpha_bar(rng, 6), torch.tensor([1, 3, 6])
    x_0, eps = torch.randn(2, 3, 2, generator=rng).double()
    x_t, v = velocity(alpha_bar, t, x_0, eps)
    exact = v_from_eps(from_alpha_bar(alpha_bar), eps, x_0, t)
    expect_close("v", v, exact, "", rtol=0, atol=1e-10)
    expect_close("x_t", x_t, q_sample(from_alpha_bar(alpha_bar), x_0, t, eps), "", rtol=1e-12)


def test_a_loss_without_gradients_is_told_so():
    stub = "def v_loss(net, x_0, t, eps, alpha_bar):\n    return with_gradients(math.pi, net)"
    answer = run(NAME, "v_loss", stub)
    with pytest.raises(AssertionError, match="no gradient flows"):
        check("v_loss", answer)


def test_nets_of_the_check_know_the_time():
    net = Net.draw("TimeMLP", (2, 6), seeded(0), scale=0.4).build()
    assert (net(torch.zeros(2, 2), torch.tensor([3, 4])).diff(dim=0).abs() > 1e-4).all()
