"""What is special about exercise 3: torch's own layers, losses and optimisers, put together as its
variants ask, pass its checks; lazy answers do not; the hidden judge is a stranger who can read."""
import functools
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from exercise import TOUCHES, questions, refuses, run, solution, then
from test_answers import check as check_answer
from torch import nn
from torch.distributions import Categorical, Normal

from course_lib import data, evaluate
from course_lib.checks import Net
from course_lib.checks.facts.draws import seeded
from course_lib.grading.sandbox import toolbox_without
from course_lib.hidden.ex03 import judge
from course_lib.hidden.ex03.search import shipped

NAME = "ex03_deep_generator_networks"
QUESTIONS = questions(NAME)
MASTER = {question: run(NAME, question, solution(NAME, question)) for question in QUESTIONS}
check = lambda question, answer, seed=0: check_answer(NAME, question, answer, seed)


def objective(G, phi, h, w, tau, m, sigma, lam):
    """torch's cross-entropy with soft targets, and its distance to the origin."""
    z = ((h - m) / sigma).flatten(1)
    wish = -F.cross_entropy(phi(G(h)) / tau, w, reduction="none")
    return wish - lam * torch.cdist(z, torch.zeros_like(z[:1]))[:, 0]


def ascent_step(G, phi, h, unit, v, eta, mu):
    """torch's RMS norm, and its SGD, which maximises with momentum."""
    x = nn.Parameter(h.clone())
    with torch.enable_grad():
        g, = torch.autograd.grad(phi(G(x))[range(len(h)), unit].sum(), x)
    flat = g.flatten(1).double()
    flat = (flat / flat.abs().amax(1, keepdim=True)).nan_to_num()
    x.grad = F.rms_norm(flat, flat.shape[1:], eps=0.0).nan_to_num().view_as(h).to(h.dtype)
    optimizer = torch.optim.SGD([x], lr=eta, momentum=mu, maximize=True)
    if mu == 0:
        optimizer.step()
        return x.detach(), x.grad
    optimizer.state[x]["momentum_buffer"] = -v.clone()          # it keeps v of a loss
    optimizer.step()
    return x.detach(), -optimizer.state[x]["momentum_buffer"]


def clip(h, m, sigma, k, rho):
    """NumPy's clip, once or twice."""
    low, high = np.maximum(m.numpy() - k * sigma.numpy(), 0), m.numpy() + k * sigma.numpy()
    once = np.clip(h.numpy(), low, high)
    twice = np.clip(once + rho * (once - h.numpy()), low, high)
    return torch.from_numpy(np.where(once == h.numpy(), once, twice)).to(h.dtype)


def pixel_prior(x, lam_rows, lam_columns, delta):
    """torch's Huber loss of each picture, channel by channel, against its neighbours."""
    def total(picture, dim):
        n = picture.shape[dim] - 1
        return sum(F.huber_loss(plane.narrow(dim - 1, 1, n), plane.narrow(dim - 1, 0, n),
                                reduction="sum", delta=delta) for plane in picture) if n else 0

    return torch.stack([-lam_rows * total(picture, 1) - lam_columns * total(picture, 2)
                        + 0 * picture.sum() for picture in x])


def rates(steps, lr, end_lr, hold, power):
    """NumPy's interpolation of logarithms."""
    share = np.interp(np.arange(steps), [hold, steps - 1], [0.0, 1.0]) ** power
    return torch.from_numpy(np.exp(np.interp(share, [0, 1], [math.log(lr), math.log(end_lr)])))


def invert(G, phi, y, start, high, etas, lam):
    """torch's logaddexp, one other class after the other; pictures of the way in one list."""
    def odds(h):
        logits = phi(G(h))
        rolled = [logits[range(len(y)), (y + k) % logits.shape[1]]
                  for k in range(logits.shape[1])]
        return rolled[0] - functools.reduce(torch.logaddexp, rolled[1:])

    h, way = torch.min(F.relu(start), high), []
    for eta in [*etas.tolist(), 0.0]:
        x = h.detach().requires_grad_()
        with torch.enable_grad():
            o = odds(x)
            away = torch.cdist(x.flatten(1), torch.zeros_like(x[:1]).flatten(1)).sum()
            g, = torch.autograd.grad(o.sum() - lam * away, x)
        way.append((o.detach(), h))
        g = F.normalize(g.flatten(1).double(), p=math.inf, eps=1e-300).view_as(h).to(h.dtype)
        h = torch.min(F.relu(h + eta * g), high)
    all_odds = torch.stack([o for o, _ in way])
    best = torch.from_numpy(all_odds.numpy().argmax(0))          # NumPy's is the first one
    rows = torch.arange(len(y))
    return torch.stack([h for _, h in way])[best, rows], all_odds[best, rows]


def langevin_step(G, phi, h, y, m, sigma, s, T, M, eps):
    """torch's distributions."""
    x = h.clone().requires_grad_()
    with torch.enable_grad():
        log_p = Normal(m, sigma).log_prob(x).sum() + Categorical(logits=phi(G(x))).log_prob(y).sum()
        slope, = torch.autograd.grad(log_p, x)
    return Normal(h + s * M * slope, 1.0).mean + eps * torch.sqrt(2 * T * s * M)


LIBRARY = {"objective": objective, "ascent_step": ascent_step, "clip": clip,
           "pixel_prior": pixel_prior, "rates": rates, "invert": invert,
           "langevin_step": langevin_step}


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_others_wrote_is_right_about_the_variant(question):
    for seed in range(3):
        check(question, LIBRARY[question], seed)


def encoded(G, phi, y, start, *_):
    """Codes of real digits of the classes that are asked for, where phi is a classifier of them."""
    real = data.digits()
    if not hasattr(phi, "features"):
        return start, start.flatten(1)[:, 0]
    which = [(real.labels == k).nonzero()[i, 0] for i, k in enumerate(y)]
    code = phi.features(real.images[torch.stack(which)]).detach().to(start.dtype)
    return code, code[:, 0]


LAZY = {
    "objective": [
        lambda *args: None,
        lambda G, phi, h, *args: 0 * h.flatten(1).sum(1),
        lambda *args: objective(*args[:-1], 0.0),
        lambda *args: objective(*args).detach(),
        lambda *args: objective(*args).mean(),
        lambda G, phi, h, w, *args: objective(G, phi, h, w[:1].expand_as(w), *args),
    ],
    "ascent_step": [
        lambda *args: None,
        lambda G, phi, h, unit, v, eta, mu: (h, v),
        lambda *args: ascent_step(*args)[0],
        lambda *args: tuple(x.float() for x in ascent_step(*args)),
        lambda G, phi, h, unit, *args: ascent_step(G, phi, h, 0 * unit, *args),
        lambda G, phi, h, unit, v, *args: ascent_step(G, phi, h, unit, 0 * v, *args),
    ],
    "clip": [
        lambda *args: None,
        lambda h, *args: h,
        lambda h, m, *args: m.expand_as(h),
        lambda h, m, sigma, k, rho: clip(h, m, sigma, 3.0, rho),
        lambda h, m, sigma, k, rho: clip(h, m, sigma, k, 0.25),
        lambda *args: clip(*args).float(),
    ],
    "pixel_prior": [
        lambda *args: None,
        lambda x, *args: 0 * x.sum((1, 2, 3)),
        lambda *args: pixel_prior(*args).sum(),
        lambda *args: pixel_prior(*args).detach(),
        lambda *args: pixel_prior(*args[:3], 0.3),
        lambda *args: pixel_prior(*args).clamp(min=-100),
    ],
    "rates": [
        lambda *args: None,
        lambda *args: rates(*args).tolist(),
        lambda *args: rates(*args).float(),
        lambda steps, lr, *args: torch.full((steps,), lr, dtype=torch.float64),
        lambda steps, lr, end_lr, hold, power: rates(steps, lr, end_lr, hold, 1.5),
        lambda *args: rates(*args)[:-1],
    ],
    "invert": [
        lambda *args: None,
        lambda *args: invert(*args)[0],
        lambda G, phi, y, start, high, *args: (start.clamp(min=0).minimum(high), start[:, 0]),
        lambda *args: invert(*args[:5], args[5][:1], args[6]),
        lambda G, phi, y, start, *args: invert(G, phi, y, start[:1].expand_as(start), *args),
        lambda G, phi, y, start, high, *args: invert(G, phi, y, 0 * start + high / 2, high, *args),
        lambda G, phi, y, *args: invert(G, phi, 0 * y, *args),
        lambda *args: invert(*args[:6], 0.2),
        encoded,
    ],
    "langevin_step": [
        lambda *args: None,
        lambda G, phi, h, *args: h,
        lambda *args: langevin_step(*args[:7], 1.0, *args[8:]),
        lambda *args: langevin_step(*args[:9], 0 * args[9]),
        lambda *args: langevin_step(*args[:8], torch.ones_like(args[8]), args[9]),
        lambda *args: langevin_step(*args).float(),
    ],
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_lazy_answers_fail(question):
    refuses(check, question, LAZY[question])


TENSORS = {"objective": (2, 3, 5, 6), "ascent_step": (2, 3, 4), "clip": (0, 1, 2),
           "pixel_prior": (0,), "invert": (2, 3, 4, 5), "langevin_step": (2, 3, 4, 5, 8, 9)}


@pytest.mark.parametrize("question, i", [(question, i) for question in TENSORS
                                         for i in TENSORS[question]])
def test_answers_that_change_an_argument_fail(question, i):
    def answer(*args):
        result = MASTER[question](*args)
        with torch.no_grad():
            args[i].data.add_(1)
        return result

    with pytest.raises(AssertionError, match="in place"):
        check(question, answer)


@pytest.mark.parametrize("question", ["objective", "ascent_step", "invert", "langevin_step"])
@pytest.mark.parametrize("i", [0, 1])
@pytest.mark.parametrize("touch", TOUCHES)
def test_answers_that_leave_a_network_changed_fail(question, i, touch):
    with pytest.raises(AssertionError, match="not as it was|expected"):
        check(question, then(MASTER[question], lambda *args: touch(args[i])))


def test_the_judge_is_a_stranger_who_can_read():
    assert judge.WEIGHTS.stat().st_size < 150_000
    real = data.digits()
    images, labels = real.images[:2000], real.labels[:2000]
    seen, other = judge.recognises(images), evaluate.classify(images).argmax(1)
    assert (seen == labels).float().mean() > 0.97            # pictures that it never saw
    wrong, others_wrong = seen != labels, other != labels
    assert wrong.any() and not torch.equal(wrong, others_wrong)


def test_the_judge_reads_the_masters_digits_and_no_starts():
    G, E, high = shipped()
    G, E = G.build(), E.build()
    y, rng = torch.arange(10).repeat(3), seeded(0)
    start = high / 3 * torch.randn(30, 64, generator=rng).abs()
    etas = MASTER["rates"](40, 8.0, 0.08, 5, 1.5)
    code, odds = MASTER["invert"](G, E, y, start, high, etas, 0.2)
    right = lambda code: (judge.recognises(G(code).detach()) == y).float().mean()
    assert right(code) > 0.8 and right(start) < 0.4
    assert (code >= 0).all() and (code <= high).all() and (odds > 3).float().mean() > 0.8


def test_a_langevin_chain_samples_what_it_says():
    """Three thousand chains of one number; the law's moments by a sum over a grid. Means of 3,000
    have a standard error of 0.01 here, the step's bias is smaller."""
    line = lambda *weights: Net("mlp", (1, len(weights)), {
        "0.weight": torch.tensor(weights)[:, None], "0.bias": torch.zeros(len(weights))}).build()
    G, phi, one, T = line(1.0), line(2.0, 0.0), torch.ones(1), 0.5
    h, rng, y = torch.zeros(3000, 1), seeded(0), torch.zeros(3000).long()
    for _ in range(400):
        eps = torch.randn(3000, 1, generator=rng)
        h = MASTER["langevin_step"](G, phi, h, y, -one, one, 0.02, T, 0.8 * one, eps).detach()
    grid = torch.linspace(-6, 6, 4001)
    p = ((F.logsigmoid(2 * grid) - (grid + 1) ** 2 / 2) / T).softmax(0)
    mean = (p * grid).sum()
    assert abs(h.mean() - mean) < 0.06
    assert abs(h.std() - (p * (grid - mean) ** 2).sum().sqrt()) < 0.06


def test_what_the_exercise_imports_is_there_while_it_is_graded(tmp_path):
    toolbox = toolbox_without(("course_lib.gan.activation_maximisation",), tmp_path / "course_lib")
    assert not (toolbox / "gan" / "activation_maximisation.py").exists()
    asked = "from course_lib.recipes.deepsim import digits_deepsim; print(digits_deepsim())"
    told = subprocess.run([sys.executable, "-c", asked], cwd=tmp_path, capture_output=True,
                          env={"PYTHONPATH": str(tmp_path)}, text=True)
    assert told.returncode == 0, told.stderr
