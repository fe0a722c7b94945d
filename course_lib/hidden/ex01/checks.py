"""The facts of exercise 1: the minimax game where a picture is real with probability pi, and a real
one has label a.

Each check takes an answer and the seed of its random inputs. It holds no formula that the exercise
asks for: games are solved numerically from their value alone, slopes are measured by differences,
and the rest are symmetries, limits and decompositions.
"""
import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.checks import Net, call, expect_close, expect_results, expect_state
from course_lib.checks.facts.draws import probabilities, seeded, uniform
from course_lib.checks.facts.slopes import descend
from course_lib.proofs import check_proof as check_lines
from course_lib.proofs.minimax import minimax_with_prior

DTYPES = ((torch.float32, 2e-6), (torch.float64, 1e-12))
SHAPES = ((5,), (3, 4), (2, 3, 7), (1, 6), (2, 1, 3), (4, 1), (1,), (2, 3, 1, 5))
FAR = 1e4
PRIORS = (0.3, 1e-3, 0.999)
LOGIT_HINT = ("log(sigmoid(l)) rounds before the log; which function of torch takes the logit "
              "itself?")


class Game(NamedTuple):
    """A random game on five points, and what bisection on the slope of its value finds."""

    p: Tensor
    g: Tensor
    D: Tensor               # any D
    pi: float
    value: float            # of that D
    best_D: Tensor
    best_value: float
    least: float            # the best value where g = p


@cache
def games(seed: int) -> list[Game]:
    proof = minimax_with_prior(seed)
    tensors = [[torch.tensor(v) for v in values] for values in proof.references]
    value, _, best_D, best_value, _, least = tensors
    found = []
    for i, problem in enumerate(proof.problems):
        p, g, D = (torch.tensor(problem.names[key].array) for key in "pgD")
        found.append(Game(p, g, D, problem.names["pi"].array.item(), value[i].item(), best_D[i],
                          best_value[i].item(), least[i].item()))
    return found


def warm() -> None:
    """Solves the games before grading starts, once for all submissions; the seeds are those of the
    notebook's tests."""
    for seed in (0, 1, 2):
        games(seed)


def cost(logit: Tensor, label: float) -> Tensor:
    """-log(the probability of the label), each."""
    zero = torch.zeros_like(logit)
    return label * torch.logaddexp(zero, -logit) + (1 - label) * torch.logaddexp(zero, logit)


def surprise(logit: Tensor, label: float) -> Tensor:
    """The mean of it over a batch."""
    return cost(logit, label).mean()


def check_game_value(game_value, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype, atol in DTYPES:
        for shape in SHAPES:
            _value_of_tables(game_value, rng, shape, dtype, atol)
        _value_far_out(game_value, dtype)
    for game in games(seed):
        V = call(game_value, game.D, game.p, game.g, game.pi)
        expect_close(f"V of a random game with pi = {game.pi:.3f}", V, game.value,
                     "Each x counts twice: as a real picture and as a generated one.",
                     rtol=1e-10, atol=0)
    _value_of_mixed_games(game_value, rng)
    for pi in PRIORS:
        p, g, D = probabilities(rng, 3, 2, 6, dtype=torch.float64)
        for i, (name, slope) in enumerate((
                ("D", pi * p / D - (1 - pi) * g / (1 - D)), ("p", pi * D.log()),
                ("g", (1 - pi) * torch.log1p(-D)))):
            gradient = call(game_value, D, p, g, pi, wrt=i)[1]
            expect_close(f"the gradient of V in {name}, pi = {pi}", gradient, slope,
                         "Gradients flow in all three tables: nothing is detached.",
                         rtol=1e-9, atol=1e-12)


def _value_of_tables(game_value, rng, shape, dtype, atol) -> None:
    p, p_2, g, D = probabilities(rng, 4, *shape, dtype=dtype)
    c, pi = uniform(rng, 2).tolist()
    V = call(game_value, torch.full_like(D, c), p, g, pi)
    flat = torch.full(shape[:-1], pi * math.log(c) + (1 - pi) * math.log(1 - c),
                      dtype=torch.float64)
    expect_close(f"V of a D that is {c:.3f} everywhere, pi = {pi:.3f}", V, flat,
                 "p and g sum to 1 over the last dimension, so only D and the prior are "
                 "left. V is a sum over x and no mean, pi belongs to the real pictures, "
                 "log is natural.", rtol=0, atol=atol, dtype=dtype)
    if shape[-1] > 1:
        V, V_2, V_between = (call(game_value, D, table, g, pi) for table in (p, p_2, (p + p_2) / 2))
        expect_close("V where p is half one table and half another", V_between, (V + V_2) / 2,
                     "V is an expectation, so it is linear in p.", rtol=0, atol=10 * atol,
                     dtype=dtype)
        alone = call(game_value, *(table.reshape(-1, shape[-1])[-1] for table in (D, p, g)), pi)
        expect_close("V of the last game of a batch", V.reshape(-1)[-1], alone,
                     "Each game of a batch has its own value.", rtol=0, atol=atol)


def _value_far_out(game_value, dtype: torch.dtype) -> None:
    """D is nearly 0 on real, nearly 1 on generated pictures, over many decades."""
    real, fake = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=dtype)
    exponents = torch.arange(1, 31) if dtype == torch.float32 else torch.arange(5, 300, 5)
    small = torch.pow(10.0, -exponents.double()).to(dtype)
    D = torch.stack([small, torch.zeros_like(small)], 1)
    V = call(game_value, D, real.expand_as(D), fake.expand_as(D), 0.3)
    expect_close("V of a D that is 1e-1, 1e-2, … on the real picture and 0 on the generated one",
                 V, 0.3 * small.double().log(), "No ε inside a log, and no clamp of D.",
                 rtol=1e-6, atol=0)
    small = torch.pow(2.0, -torch.arange(1, 21)).to(dtype)
    D = torch.stack([torch.ones_like(small), 1 - small], 1)
    V = call(game_value, D, real.expand_as(D), fake.expand_as(D), 0.3)
    expect_close("V of a D that is 1 on the real picture and nearly 1 on the generated one",
                 V, 0.7 * small.double().log(), "No ε inside a log, and no clamp of D.",
                 rtol=1e-6, atol=0)


def _value_of_mixed_games(game_value, rng: torch.Generator) -> None:
    """A perfect D, a hopeless one and plain ones in a batch; p or g is 0 where D is plain."""
    half = torch.tensor([0.5, 0.5, 0, 0, 0])
    other = torch.tensor([0.5, 0, 0, 0.25, 0.25])
    plain = uniform(rng, 5).float()
    log, log_not = plain.double().log(), torch.log1p(-plain.double())
    perfect, hopeless, inf = (half > 0).float(), (half == 0).float(), math.inf
    rows = ((perfect, half, half.flip(0), 0.0), (hopeless, half, half, -inf),
            (plain, half, other, (0.3 * half * log + 0.7 * other * log_not).sum()),
            (plain, other, half, (0.3 * other * log + 0.7 * half * log_not).sum()),
            (torch.ones(5), other, half, -inf), (1 - perfect, half.flip(0), half, 0.0),
            (torch.cat([plain[:3], torch.zeros(2)]), half, half,
             (half * (0.3 * log + 0.7 * log_not)).sum()))
    D, p, g, V = zip(*rows)
    D, p, g, V = torch.stack(D), torch.stack(p), torch.stack(g), torch.tensor(V)
    hint = ("Where D is right for sure each log that counts is log 1; the others have probability "
            "0, and there 0 log 0 is 0, not NaN. p log 0 is -inf where p > 0, so add nothing "
            "inside the logs. Each game has its own value.")
    expect_close("V of games whose tables hold zeros", call(game_value, D, p, g, 0.3), V, hint)
    for i, row in enumerate(V):
        expect_close("V of a game whose tables hold zeros", call(game_value, D[i], p[i], g[i], 0.3),
                     row, hint)


def check_optimal_discriminator(optimal_discriminator, seed: int = 0) -> None:
    rng = seeded(seed)
    for game in games(seed):
        D = call(optimal_discriminator, game.p.log(), game.g.log(), game.pi)
        expect_close(f"the best D as bisection finds it, pi = {game.pi:.3f}", D, game.best_D,
                     "At one x, V is pi p log D + (1 - pi) g log(1 - D): where is its slope in D "
                     "zero?", rtol=0, atol=1e-9)
    for dtype, atol in DTYPES:
        for shape in ((), *SHAPES, (1, 2, 3, 3)):
            log_p, log_g = torch.randn(2, *shape, dtype=dtype, generator=rng)
            pi = uniform(rng).item()
            D = call(optimal_discriminator, log_p, log_g, pi)
            equal = call(optimal_discriminator, log_p, log_p, pi)
            expect_close("D* where p = g", equal, torch.full(shape, pi, dtype=torch.float64),
                         "Where both are equally likely, only the prior counts.", rtol=0,
                         atol=atol, dtype=dtype)
            exchanged = call(optimal_discriminator, log_g, log_p, 1 - pi)
            expect_close("D* with real and generated exchanged", exchanged, 1 - D,
                         "Exchanging p with g and pi with 1 - pi turns D* into 1 - D*.",
                         rtol=0, atol=atol, dtype=dtype)
            p, g = log_p.double().exp(), log_g.double().exp()
            slope = pi * p * (1 - D.double()) - (1 - pi) * g * D.double()
            expect_close("the slope of V at D*, times D (1 - D)", slope, torch.zeros(shape),
                         "The best D is where the slope is 0.", atol=20 * atol)
            alone = call(optimal_discriminator, log_p.reshape(-1)[:1], log_g.reshape(-1)[:1], pi)
            expect_close("D* of the first point of a batch", D.reshape(-1)[:1], alone,
                         "Each point stands alone.", rtol=0, atol=atol)
        _between_near_and_far(optimal_discriminator, dtype, atol)
        _far_densities(optimal_discriminator, dtype)


def _between_near_and_far(optimal_discriminator, dtype: torch.dtype, atol: float) -> None:
    """log p - log g over many decades, both in a batch and with each prior."""
    size = torch.logspace(-3, 4, 57, dtype=torch.float64)
    u = torch.cat([-size, size]).to(dtype)
    for pi in PRIORS:
        odds = u.double().exp() * (pi / (1 - pi))
        best, tail = 1 / (1 + 1 / odds), 1 / (1 + odds)
        for p, g in ((u, torch.zeros_like(u)), (torch.zeros_like(u), -u)):
            for i, sign in enumerate((1, -1)):
                D, gradient = call(optimal_discriminator, p, g, pi, wrt=i)
                for k, x in enumerate(u.tolist()):
                    where = f"where log p - log g = {x:g}, pi = {pi}"
                    expect_close(f"D* {where}", D[k], best[k], "Work with the difference of the "
                                 "logs, without a clamp.", rtol=0, atol=atol)
                    expect_close(f"the gradient of D* in {('log_p', 'log_g')[i]} {where}",
                                 gradient[k], sign * best[k] * tail[k],
                                 "Gradients flow in both arguments, and are finite everywhere.",
                                 rtol=0, atol=atol)


def _far_densities(optimal_discriminator, dtype: torch.dtype) -> None:
    far = ((0.0, 0.0, 0.3), (FAR, 0.0, 1), (-FAR, 0.0, 0), (0.0, -FAR, 1), (-FAR, -FAR, 0.3),
           (FAR, FAR, 0.3))
    log_p, log_g, _ = torch.tensor(far, dtype=dtype).T
    D, gradient = call(optimal_discriminator, log_p, log_g, 0.3, wrt=0)
    spacing = 3e-3 if dtype == torch.float32 else 1e-6   # of numbers near 1e4, as log densities are
    for i, (a, b, best) in enumerate(far):
        where = f"where log p = {a:g} and log g = {b:g}"
        atol = 0 if best in (0, 1) else spacing
        expect_close(f"D* {where}", D[i], best, "exp(1e4) is inf and exp(-1e4) is 0: work with the "
                     "difference of the logs, and with each x on its own.", rtol=0, atol=atol)
        expect_close(f"the gradient of D* in log p {where}", gradient[i], best * (1 - best),
                     "A finite D* is not enough: where a step on the way overflows, the backward "
                     "pass has 0 times inf, which is NaN.", rtol=0, atol=atol + 1e-6)


def check_jsd(jsd, seed: int = 0) -> None:
    rng = seeded(seed)
    names = "the divergence, its lower and its upper bound"
    results = lambda *args: expect_results(call(jsd, *args), names, 3)
    for game in games(seed):
        js, lower, upper = results(game.p, game.g, game.pi)
        expect_close("the best value of a game, which is its least value plus JSD",
                     js + game.least, game.best_value,
                     "m is the mixture pi p + (1 - pi) g; the KLs are from p and from g to m, "
                     "weighted by the prior; in nats.", rtol=1e-10, atol=0)
        expect_close("the lower bound", lower, 0.0, "What is the divergence where p = g?",
                     atol=1e-12)
        expect_close(f"the upper bound, pi = {game.pi:.3f}", upper, -game.least,
                     "Where p and g have no x in common: the entropy H(pi) of the prior, in nats.",
                     rtol=0, atol=1e-9)
    for dtype, atol in DTYPES:
        for shape in SHAPES:
            p, g = probabilities(rng, 2, *shape, dtype=dtype)
            pi = uniform(rng).item()
            js = results(p, g, pi)[0]
            expect_close("JSD where p = g", results(p, p, pi)[0], torch.zeros(shape[:-1]),
                         "There, m is the same table too.", atol=atol, dtype=dtype)
            exchanged = results(g, p, 1 - pi)[0]
            expect_close("JSD with p and g exchanged, and pi with 1 - pi", exchanged, js,
                         "This changes nothing but the names.", rtol=0, atol=atol, dtype=dtype)
            for at in (0, -1):
                alone = results(*(table.reshape(-1, shape[-1])[at] for table in (p, g)), pi)[0]
                expect_close("JSD of one pair of a batch", js.reshape(-1)[at], alone,
                             "Sum over the last dimension only.", rtol=0, atol=atol)
        for pi in PRIORS:
            _divergence_of_mixed_tables(results, rng, pi, dtype, atol)
    _tables_that_hardly_differ(results)
    for pi in PRIORS:
        p, g = probabilities(rng, 2, 2, 6, dtype=torch.float64)
        m = pi * p + (1 - pi) * g
        for i, (name, slope) in enumerate((("p", pi * (p / m).log()),
                                           ("g", (1 - pi) * (g / m).log()))):
            gradient = call(jsd, p, g, pi, wrt=i, of=0)[1]
            expect_close(f"the gradient of JSD in {name}, along tables that sum to 1",
                         gradient - gradient.mean(-1, keepdim=True),
                         slope - slope.mean(-1, keepdim=True),
                         "Gradients flow in both tables: nothing is detached.",
                         rtol=1e-8, atol=1e-12)


def _divergence_of_mixed_tables(results, rng, pi, dtype, atol) -> None:
    """Tables with nothing, all, or some x in common in a batch, and with an x that neither has."""
    p, g = probabilities(rng, 2, 3, dtype=dtype)
    none = torch.zeros(3, dtype=dtype)
    pairs = [(p, none, none, g), (p, none, p, none), (p / 2, g / 2, p / 2, none),
             (p, none, g, none), (p / 4, 3 * g / 4, g / 4, 3 * p / 4)]
    tables = [torch.stack([torch.cat([pair[i], pair[i + 1], none[:2]]) for pair in pairs])
              for i in (0, 2)]
    tables[1][2, 6] = 0.5
    js, _, upper = results(*tables, pi)
    alone = results(p, g, pi)[0].item()
    other = results(g, p, pi)[0].item()
    expected = torch.tensor([float(upper), 0, float(upper) / 2, alone, alone / 4 + 3 * other / 4],
                            dtype=torch.float64)
    expect_close(f"JSD of pairs with nothing, all, half in common, and two more, pi = {pi}",
                 js, expected, "Apart, it is the upper bound; the same table: 0. An x with p = g = "
                 "m = 0 does not count, but 0 log(0/0) is NaN.", rtol=0, atol=atol, dtype=dtype)


def _tables_that_hardly_differ(results) -> None:
    """Only some x of probability 1e-1, 1e-2, … tell p from g: JSD is that probability times its
    upper bound."""
    rare = torch.pow(10.0, -torch.arange(1, 11).double())
    none = torch.zeros_like(rare)
    same = [(1 - rare) / 3, 2 * (1 - rare) / 3]
    p, g = torch.stack([*same, rare, none], 1), torch.stack([*same, none, rare], 1)
    for pi in PRIORS[:1]:
        js, _, upper = results(p, g, pi)
        expect_close("JSD of tables that differ in x of probability 1e-1, 1e-2, … only",
                     js, rare * float(upper), "No ε and no floor: small probabilities count by "
                     "their size.", rtol=1e-4, atol=0)


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
    cases += [(x.float(), y.float(), a, 2e-6) for x, y, a, _ in cases]
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
              for scale in (1e-20, 1e-9, 1e-5, 1e4, 1e20)]
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
    for logit in (-FAR, -2.0, 2.0, FAR):
        minimax, non_saturating = results(torch.tensor([logit]), torch.ones(1))
        expect_close(f"minimax + non-saturating loss for the logit {logit:g}",
                     minimax + non_saturating, -logit,
                     "log((1 - D)/D) is minus the logit. " + LOGIT_HINT)


STEPS = ("after the first step", "after the second step", "after the third step",
         "after the fourth step")
HINTS = ("One step of plain SGD on the loss of this very minibatch, with the optimiser holding one "
         "player only.",
         *["The first step was right. Gradients add up until they are set to zero; there is no "
           "momentum; the other player stands still."] * 3)
NOISE_SIZES, REAL_SIZES = (7, 4, 1, 6), (5, 2, 6, 1)


class Duel(NamedTuple):
    """Two networks, D(x) and G(z), minibatches for four steps, a learning rate."""

    what: str
    D: Net
    G: Net
    xs: list[Tensor]
    zs: list[Tensor]
    lr: float


def duels(rng: torch.Generator) -> list[Duel]:
    """Several widths, one of them 1 throughout; minibatches of different sizes, some of one; and
    a D that is far too sure, in one case for and in the other against what G makes."""
    found = []
    for what, D, G, lr, scale, bias in (
            ("", (2, 12, 1), (3, 8, 2), 0.5, 1, 0),
            (", deep", (4, 6, 5, 1), (2, 5, 6, 4), 0.02, 1, 0),
            (", pictures of one number", (1, 5, 1), (1, 4, 1), 0.1, 1, 0),
            (", a D that is sure", (2, 8, 1), (3, 8, 2), 1e-3, 30, 150),
            (", a D that is sure", (2, 8, 1), (3, 8, 2), 1e-3, 30, -150)):
        D, G = Net.draw("mlp", D, rng), Net.draw("mlp", G, rng)
        last = [*D.state][-2:]
        D.state[last[0]] *= scale
        D.state[last[1]] += bias
        xs = [torch.randn(n, D.args[0], generator=rng) + 1 for n in REAL_SIZES]
        zs = [torch.randn(n, G.args[0], generator=rng) for n in NOISE_SIZES]
        found.append(Duel(what, D, G, xs, zs, lr))
    return found


def check_discriminator_steps(discriminator_steps, seed: int = 0) -> None:
    rng = seeded(seed)
    for what, D, G, xs, zs, lr in duels(rng):
        for a in (uniform(rng).item(), 1.0):
            expected, generator = D.double(), G.double().build()
            loss = lambda net, real, fake, a=a: surprise(net(real), a) + surprise(net(fake), 0)
            for n, (x, z, when, hint) in enumerate(zip(xs, zs, STEPS, HINTS), 1):
                expected = descend(expected, loss, lr, x.double(), generator(z.double()).detach())
                results = call(discriminator_steps, D, G, xs[:n], zs[:n], lr, a)
                state, norm = expect_results(results, "D's state and the size of G's gradient", 2)
                expect_state(f"D {when}{what}", state, expected, f"{hint} Real pictures have label "
                             "a, those that G makes of the given noise label 0; each term is a "
                             "mean over its own minibatch.", atol=5e-6, dtype=torch.float32)
                expect_close(f"the gradient left in G {when}{what}", norm, 0.0,
                             "Cut the path where the fakes leave G.", atol=0)


def check_generator_steps(generator_steps, seed: int = 0) -> None:
    for what, D, G, _, zs, lr in duels(seeded(seed)):
        expected, discriminator = G.double(), D.double().build()
        loss = lambda net, z, D=discriminator: surprise(D(net(z)), 1)
        for n, (z, when, hint) in enumerate(zip(zs, STEPS, HINTS), 1):
            expected = descend(expected, loss, lr, z.double())
            results = call(generator_steps, D, G, zs[:n], lr)
            state, D_state = expect_results(results, "G's state and D's state", 2)
            expect_state(f"D {when} of G{what}", D_state, D,
                         "D is only asked: no optimiser holds its parameters.", atol=0, rtol=0,
                         dtype=torch.float32)
            expect_state(f"G {when}{what}", state, expected, f"{hint} G wants D to take its "
                         "pictures for real, -log D, and the gradient passes through D to reach G.",
                         atol=5e-6, dtype=torch.float32)


def check_density_ratio(density_ratio, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype, rtol in ((torch.float32, 2e-5), (torch.float64, 1e-9)):
        for a in (1.0, 0.9, uniform(rng).item(), 0.05):
            for pi in (uniform(rng).item(), *PRIORS[1:]):
                _ratios(density_ratio, rng, pi, a, dtype, rtol)
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


def check_proof(lines, seed: int = 0) -> None:
    check_lines(lines, minimax_with_prior(seed))
