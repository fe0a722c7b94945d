"""The facts of logits: both players' losses, and the ratio that a discriminator's logit tells."""
import math

import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_results
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.hidden.ex01.game import FAR, PRIORS

LOGIT_HINT = ("log(sigmoid(l)) rounds before the log; which function of torch takes the logit "
              "itself?")


def cost(logit: Tensor, label: float) -> Tensor:
    """-log(the probability of the label), each."""
    zero = torch.zeros_like(logit)
    return label * torch.logaddexp(zero, -logit) + (1 - label) * torch.logaddexp(zero, logit)


def surprise(logit: Tensor, label: float) -> Tensor:
    """The mean of it over a batch."""
    return cost(logit, label).mean()


def check_discriminator_loss(discriminator_loss, seed: int = 0) -> None:
    rng = seeded(seed)
    expect_close("the loss where D = 1/2 for every picture",
                 call(discriminator_loss, torch.zeros(3), torch.zeros(5), 0.7), 2 * math.log(2),
                 "Two terms, each a mean over its own batch, without a factor; -log D is positive.")
    far = torch.tensor([FAR, -FAR, 300.0, -300.0, 90.0, -90.0, 45.0, -45.0, 19.0, -19.0, 8.5, -9.0,
                        0.0, 1e-3])
    cases = [(3 * torch.randn(n, dtype=torch.float64, generator=rng),
              3 * torch.randn(m, dtype=torch.float64, generator=rng), a, 1e-11)
             for n, m, a in ((1, 1, 1.0), (6, 4, uniform(rng).item()), (3, 8, uniform(rng).item()),
                             (1, 5, 0.01), (7, 1, 0.9))]
    cases += [(far.double() + shift, far.double().flip(0)[:9] + shift, a, 1e-8)
              for shift in (0, 0.5) for a in (1.0, 0.9, 0.2)]
    cases += [(*(3 * torch.randn(2, 6, dtype=torch.float64, generator=rng)), a, 1e-11)
              for a in (0.995, 0.999)]
    early = torch.linspace(5, 19.5, 30, dtype=torch.float64)
    cases += [(early, -early, a, 1e-11) for a in (1.0, 0.9)] + [(-early, early, 0.9, 1e-11)]
    cases += [(x.float(), y.float(), a, 2e-6) for x, y, a, _ in cases]
    near = uniform(rng, 2)
    right = torch.tensor([FAR, *near, 3e3])
    cases += [(right.to(dtype), -right.to(dtype), 1.0, atol)
              for dtype, atol in ((torch.float32, 2e-6), (torch.float64, 1e-12))]
    for real, fake, a, atol in cases:
        n, m, dtype = len(real), len(fake), real.dtype
        batches = f"{n} real and {m} generated pictures, a = {a:.3f}, in {dtype}"
        precise = real.double(), fake.double()
        gradients = (precise[0].sigmoid() - a) / n, precise[1].sigmoid() / m
        for i, name in enumerate(("logit_real", "logit_fake")):
            expect_close(f"the gradient in {name}, {batches}",
                         call(discriminator_loss, real, fake, a, wrt=i)[1], gradients[i],
                         "It is (D - label)/(size of its batch), and the label of a generated "
                         "picture is 0. A D that is clamped, or rounds to 0 or 1, has gradient 0 "
                         "or NaN just where D is most wrong.", rtol=0, atol=atol)
        expect_close(f"the loss of {batches}", call(discriminator_loss, real, fake, a),
                     surprise(precise[0], a) + surprise(precise[1], 0),
                     f"Each picture costs its cross-entropy, in nats. {LOGIT_HINT}",
                     rtol=1e-12 if dtype == torch.float64 else 1e-6, atol=atol, dtype=dtype)
    sure = torch.tensor([19.5], dtype=torch.float64)
    expect_close("the loss of pictures of which D is rightly sure, logits 19.5 and -19.5",
                 call(discriminator_loss, sure, -sure, 1.0), 2 * math.log1p(math.exp(-19.5)),
                 LOGIT_HINT, rtol=1e-4, atol=0)
    for logits in (torch.logspace(-2, 4, 25), -torch.logspace(-2, 4, 25)):
        for one in logits.split(1):
            where = f"of one picture each, logit {one.item():g}, a = 0.9"
            expect_close(f"the loss {where}", call(discriminator_loss, one, one, 0.9),
                         (cost(one.double(), 0.9) + cost(one.double(), 0)), LOGIT_HINT, atol=2e-6)
            for i, label in enumerate((0.9, 0)):
                expect_close(f"the gradient {where}",
                             call(discriminator_loss, one, one, 0.9, wrt=i)[1],
                             one.double().sigmoid() - label, LOGIT_HINT, rtol=0, atol=2e-6)


def check_generator_losses(generator_losses, seed: int = 0) -> None:
    rng = seeded(seed)
    names = "minimax", "non-saturating"
    results = lambda *args: expect_results(call(generator_losses, *args),
                                           "minimax and non-saturating loss", 2)
    cases = [(3 * torch.randn(n, dtype=torch.float64, generator=rng), 3 * uniform(rng, n), 1e-11)
             for n in (1, 4, 7)]
    far = torch.tensor([FAR, -FAR, 300.0, -300.0, 90.0, -90.0, 45.0, -45.0, 19.0, -19.0, 8.5, -9.0,
                        0.0, 0.5], dtype=torch.float64)
    weights = torch.tensor([0.5, 2, 0, 3, 1, 0, 1, 1, 2, 1, 3, 1, 1, 0], dtype=torch.float64)
    cases += [(far, weights, 1e-8), (far[:4], torch.tensor([0.5, 2.0, 1.0, 0.0]).double(), 1e-8),
              (torch.tensor([0.0, -FAR, 2.0]).double(),
               torch.tensor([1.0, 1e-12, 1e-9]).double(), 1e-11)]
    cases += [(logit, w * scale, atol) for logit, w, atol in cases
              for scale in (1e-30, 1e-20, 1e-9, 1e-5, 1e4, 1e20, 1e30)]
    early = torch.linspace(-19.5, 19.5, 40, dtype=torch.float64)
    cases += [(early, torch.ones_like(early), 1e-12)]
    cases += [(logit.float(), w.float(), 2e-6) for logit, w, _ in cases]
    for logit, w, atol in cases:
        dtype, scale = logit.dtype, f"weights that sum to {w.sum():.3g}, in {logit.dtype}"
        even = results(0 * logit, w)
        for name, loss, expected in zip(names, even, (-math.log(2), math.log(2))):
            expect_close(f"the {name} loss where D = 1/2, {scale}",
                         loss, expected, "G minimises both, log(1 - D) and -log D; the sum is "
                         "divided by the sum of the weights.", dtype=dtype)
        precise, share = logit.double(), w.double() / w.double().sum()
        D, tail = precise.sigmoid(), (-precise).sigmoid()
        single = -cost(precise, 0), cost(precise, 1)
        losses, gradients = call(generator_losses, logit, w, wrt=0)
        expect_results(losses, "minimax and non-saturating loss", 2)
        size = share @ precise.abs()
        for k, (name, gradient) in enumerate(zip(names, (-share * D, -share * tail))):
            expected = share @ single[k]
            expect_close(f"the {name} loss of a batch, {scale}", losses[k], expected,
                         "It is the weighted mean of what each picture has alone: weight 0 does "
                         "not count, weight 2 counts twice. " + LOGIT_HINT, dtype=dtype,
                         rtol=1e-12 if dtype == torch.float64 else 1e-6,
                         atol=atol * float(1 + size if dtype == torch.float32 else 1))
            expect_close(f"the gradient of the {name} loss, {scale}", gradients[k], gradient,
                         "For each picture it is its share of the weights times -D (minimax) or "
                         "D - 1: is a sign wrong, or D rounded?", rtol=0, atol=atol)
    sure = torch.tensor([19.5, 19.5], dtype=torch.float64)
    one = torch.ones(2, dtype=torch.float64)
    for k, sign in ((0, -1), (1, 1)):
        expect_close(f"the {names[k]} loss where it is nearly 0, logit {sign * 19.5}",
                     results(sign * sure, one)[k], sign * math.log1p(math.exp(-19.5)), LOGIT_HINT,
                     rtol=1e-4, atol=0)
    near = uniform(rng, 2)
    for dtype, atol in ((torch.float32, 2e-6), (torch.float64, 1e-12)):
        for k, sign in ((0, -1), (1, 1)):
            logit = sign * torch.tensor([FAR, *near, 3e3], dtype=dtype)
            expected = sign * torch.log1p((-logit.double().abs()).exp()).mean()
            loss = results(logit, torch.ones_like(logit))[k]
            expect_close(f"the {names[k]} loss of the logits {logit.tolist()}", loss, expected,
                         "It is small, and no difference of large numbers: compute each "
                         "loss from the logits.", rtol=0, atol=atol)
    for logit in (-FAR, -2.0, 2.0, FAR):
        minimax, non_saturating = results(torch.tensor([logit]), torch.ones(1))
        expect_close(f"minimax + non-saturating loss for the logit {logit:g}",
                     minimax + non_saturating, -logit,
                     "log((1 - D)/D) is minus the logit. " + LOGIT_HINT)


def check_density_ratio(density_ratio, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype, rtol in ((torch.float32, 2e-5), (torch.float64, 1e-9)):
        for a in (1.0, 0.9, uniform(rng).item(), 0.05, 0.995, 0.999):
            for pi in (uniform(rng).item(), *PRIORS[1:]):
                _ratios(density_ratio, rng, pi, a, dtype, rtol)
        for a in (0.99, 0.999, 0.9999):
            logit = torch.linspace(0, math.log(a / (1 - a)) - 1, 20, dtype=dtype)
            best = 0.7 / 0.3 / (a * (-logit.double()).exp() - (1 - a))
            expect_close(f"p/g for pi = 0.3, a = {a}, where D comes near a",
                         call(density_ratio, logit, 0.3, a), best, "In float32, a - sigmoid(6) has "
                         "few digits left.", rtol=rtol, atol=0, dtype=dtype)
        expect_close("p/g where D = a", call(density_ratio, torch.zeros(2, dtype=dtype), 0.3, 0.5),
                     torch.full((2,), math.inf),
                     "The best D is a only where g = 0, so the ratio is inf.", dtype=dtype)


def _ratios(density_ratio, rng, pi, a, dtype, rtol) -> None:
    what = f"p/g for pi = {pi:.3f}, a = {a:.3f}"
    equal = torch.tensor(math.log(a * pi / (1 - a * pi)), dtype=dtype)
    if a == 1 or pi < 0.9:                                      # else D is just below a
        expect_close(f"{what} where D = a pi", call(density_ratio, equal, pi, a), 1.0,
                     "That is the best D where p = g.", rtol=10 * rtol, atol=0, dtype=dtype)
    log_odds = torch.linspace(-80, 80 if a == 1 else 1, 42).double()  # pi p : (1 - pi) g
    logit = (math.log(a) + log_odds - torch.log1p((1 - a) * log_odds.exp())).to(dtype)
    order = torch.randperm(42, generator=rng)
    inverse = a * (-logit.double()).exp() - (1 - a)             # of the logit as it was rounded
    expected = (1 - pi) / pi / inverse
    for shape in ((2, 21), (42,), (1, 42), (42, 1), (2, 3, 1, 7)):
        expect_close(what, call(density_ratio, logit[order].reshape(shape), pi, a),
                     expected[order].reshape(shape),
                     "Solve D = a pi p/(pi p + (1 - pi) g) for p/g. Subtracting nearly equal "
                     "numbers loses digits: in float32, 1 - sigmoid(20) has none.",
                     rtol=rtol, atol=0, dtype=dtype)
    for shape in ((), (1,), (1, 1)):
        expect_close(f"{what}, one logit", call(density_ratio, logit[7].reshape(shape), pi, a),
                     expected[7].reshape(shape), "One logit has one ratio.",
                     rtol=rtol, atol=0, dtype=dtype)
    if a < 1:
        above = torch.linspace(math.log(a / (1 - a)) + 0.01, 80, 20, dtype=dtype)
        mixed = torch.cat([above, logit])[torch.randperm(62, generator=rng)]
        best = (1 - pi) / pi / (a * (-mixed.double()).exp() - (1 - a))
        ratio = call(density_ratio, mixed, pi, a)
        expect_close(f"{what}, for some of them D > a", ratio, best.where(best > 0, math.inf),
                     "The best D never exceeds a: such a picture counts as surely real, "
                     "with ratio inf; the others keep theirs.", rtol=rtol, atol=0, dtype=dtype)
