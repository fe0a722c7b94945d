"""The facts of exercise 1: the minimax game where a picture is real with probability pi, and a real
one has label a.

Each check takes an answer and the seed of its random inputs. It holds no formula that the exercise
asks for: games are solved numerically from their value alone, slopes are measured by differences,
and the rest are symmetries and limits.
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
SHAPES = ((5,), (3, 4), (2, 3, 7))
FAR = 1e4
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


def surprise(logit: Tensor, label: float) -> Tensor:
    """The mean over a batch of -log(the probability of the label); for float64 logits below 700."""
    real, fake = (1 + (-logit).exp()).log(), (1 + logit.exp()).log()
    return (label * real + (1 - label) * fake).mean()


def check_game_value(game_value, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype, atol in DTYPES:
        for shape in SHAPES:
            p, p_2, g, D = probabilities(rng, 4, *shape, dtype=dtype)
            c, pi = uniform(rng, 2).tolist()
            V = call(game_value, torch.full_like(D, c), p, g, pi)
            flat = torch.full(shape[:-1], pi * math.log(c) + (1 - pi) * math.log(1 - c))
            expect_close(f"V of a D that is {c:.3f} everywhere, pi = {pi:.3f}", V, flat,
                         "p and g sum to 1 over the last dimension, so only D and the prior are "
                         "left. V is a sum over x and no mean, pi belongs to the real pictures, "
                         "log is natural.", atol=atol, dtype=dtype)
            V, V_2, V_between = (call(game_value, D, table, g, pi)
                                 for table in (p, p_2, (p + p_2) / 2))
            expect_close("V where p is half one table and half another", V_between, (V + V_2) / 2,
                         "V is an expectation, so it is linear in p.", atol=atol, dtype=dtype)
    for game in games(seed):
        V = call(game_value, game.D, game.p, game.g, game.pi)
        expect_close(f"V of a random game with pi = {game.pi:.3f}", V, game.value,
                     "Each x counts twice: as a real picture and as a generated one.",
                     rtol=1e-10, atol=0)
    half = torch.tensor([0.5, 0.5, 0, 0, 0])
    expect_close("V of a D that is 1 on all real and 0 on all generated pictures",
                 call(game_value, (half > 0).float(), half, half.flip(0), 0.3), 0.0,
                 "Each log that counts is log 1. The others have probability 0: there 0 log 0 is "
                 "0, and not NaN.")
    expect_close("V of a D that takes every real picture for generated, for sure",
                 call(game_value, (half == 0).float(), half, half, 0.3), -math.inf,
                 "Only 0 log 0 is 0: p log 0 is -inf where p > 0, so add nothing inside the logs.")


def check_optimal_discriminator(optimal_discriminator, seed: int = 0) -> None:
    rng = seeded(seed)
    for game in games(seed):
        D = call(optimal_discriminator, game.p.log(), game.g.log(), game.pi)
        expect_close(f"the best D as bisection finds it, pi = {game.pi:.3f}", D, game.best_D,
                     "At one x, V is pi p log D + (1 - pi) g log(1 - D): where is its slope in D "
                     "zero?")
    for dtype in (torch.float32, torch.float64):
        for shape in ((), *SHAPES):
            log_p, log_g = torch.randn(2, *shape, dtype=dtype, generator=rng)
            pi = uniform(rng).item()
            D = call(optimal_discriminator, log_p, log_g, pi)
            equal = call(optimal_discriminator, log_p, log_p, pi)
            expect_close("D* where p = g", equal, torch.full(shape, pi),
                         "Where both are equally likely, only the prior counts.", dtype=dtype)
            exchanged = call(optimal_discriminator, log_g, log_p, 1 - pi)
            expect_close("D* with real and generated exchanged", exchanged, 1 - D,
                         "Exchanging p with g and pi with 1 - pi turns D* into 1 - D*.",
                         dtype=dtype)
        _far_densities(optimal_discriminator, dtype)


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
        expect_close("the lower bound", lower, 0.0, "What is the divergence where p = g?")
        expect_close(f"the upper bound, pi = {game.pi:.3f}", upper, -game.least,
                     "Where p and g have no x in common: the entropy H(pi) of the prior, in nats.",
                     atol=1e-9)
    for dtype, atol in DTYPES:
        for shape in SHAPES:
            p, g = probabilities(rng, 2, *shape, dtype=dtype)
            pi = uniform(rng).item()
            js = results(p, g, pi)[0]
            expect_close("JSD where p = g", results(p, p, pi)[0], torch.zeros(shape[:-1]),
                         "There, m is the same table too.", atol=atol, dtype=dtype)
            exchanged = results(g, p, 1 - pi)[0]
            expect_close("JSD with p and g exchanged, and pi with 1 - pi", exchanged, js,
                         "This changes nothing but the names.", atol=atol, dtype=dtype)
            first = results(*(table.reshape(-1, shape[-1])[0] for table in (p, g)), pi)[0]
            expect_close("JSD of the first pair of a batch", js.reshape(-1)[0], first,
                         "Sum over the last dimension only.")
        apart = torch.tensor([[0.5, 0.5, 0, 0, 0], [0, 0, 0, 0.25, 0.75]], dtype=dtype)
        js, _, upper = results(*apart, 0.3)
        expect_close("JSD where p and g have no x in common, which is the upper bound", js, upper,
                     "One x has p = g = m = 0: it does not count, but 0 log(0/0) is NaN.",
                     dtype=dtype)


def check_discriminator_loss(discriminator_loss, seed: int = 0) -> None:
    rng = seeded(seed)
    expect_close("the loss where D = 1/2 for every picture",
                 call(discriminator_loss, torch.zeros(3), torch.zeros(5), 0.7), 2 * math.log(2),
                 "Two terms, each a mean over its own batch, without a factor; -log D is positive.")
    for n, m, a in ((1, 1, 1.0), (6, 4, uniform(rng).item()), (3, 8, uniform(rng).item())):
        logits = [3 * torch.randn(k, dtype=torch.float64, generator=rng) for k in (n, m)]
        gradients = (torch.sigmoid(logits[0]) - a) / n, torch.sigmoid(logits[1]) / m
        batches = f"{n} real and {m} generated pictures, a = {a:.3f}"
        for i, name in enumerate(("logit_real", "logit_fake")):
            expect_close(f"the gradient in {name}, {batches}",
                         call(discriminator_loss, *logits, a, wrt=i)[1], gradients[i],
                         "It is (D - label)/(size of its batch), and the label of a generated "
                         "picture is 0.")
        expect_close(f"the loss of {batches}", call(discriminator_loss, *logits, a),
                     surprise(logits[0], a) + surprise(logits[1], 0),
                     "Each picture costs its cross-entropy, in nats.")
    for real, fake, a, loss in ((FAR, -FAR, 1.0, 0), (-FAR, FAR, 1.0, 2 * FAR),
                                (FAR, -FAR, 0.9, 0.1 * FAR), (-FAR, FAR, 0.9, 1.9 * FAR)):
        logits = torch.full((2,), real), torch.full((3,), fake)
        where = f"for real logits {real:g}, generated ones {fake:g}, a = {a:g}"
        expect_close(f"the loss {where}", call(discriminator_loss, *logits, a), loss, LOGIT_HINT,
                     atol=5e-3)
        for i, gradient in enumerate((((real > 0) - a) / 2, (fake > 0) / 3)):
            expect_close(f"the gradient {where}", call(discriminator_loss, *logits, a, wrt=i)[1],
                         torch.full_like(logits[i], gradient), "A D that is clamped, or rounds to "
                         "0 or 1, has gradient 0 or NaN just where D is most wrong.")


def check_generator_losses(generator_losses, seed: int = 0) -> None:
    rng = seeded(seed)
    names = "minimax", "non-saturating"
    results = lambda *args: expect_results(call(generator_losses, *args),
                                           "minimax and non-saturating loss", 2)
    cases = [(3 * torch.randn(n, dtype=torch.float64, generator=rng), 3 * uniform(rng, n), 1e-8)
             for n in (1, 4, 7)]
    cases += [(torch.tensor([FAR, -FAR, 0.0, 0.5]), torch.tensor([0.5, 2.0, 1.0, 0.0]), 1e-6)]
    for logit, w, atol in cases:
        even = results(0 * logit, w)
        for name, loss, expected in zip(names, even, (-math.log(2), math.log(2))):
            expect_close(f"the {name} loss where D = 1/2 and the weights sum to {w.sum():.3f}",
                         loss, expected, "G minimises both, log(1 - D) and -log D; the sum is "
                         "divided by the sum of the weights.")
        D, share = torch.sigmoid(logit), w / w.sum()
        losses, gradients = call(generator_losses, logit, w, wrt=0)
        for k, (name, gradient) in enumerate(zip(names, (-share * D, share * (D - 1)))):
            alone = [results(one, torch.ones_like(one))[k].reshape(()) for one in logit.split(1)]
            expect_close(f"the {name} loss of a batch", losses[k], share @ torch.stack(alone),
                         "It is the weighted mean of what each picture has alone: weight 0 does "
                         "not count, weight 2 counts twice.")
            expect_close(f"the gradient of the {name} loss", gradients[k], gradient,
                         "For each picture it is its share of the weights times -D (minimax) or "
                         "D - 1: is a sign wrong, or D rounded?", atol=atol)
    for logit in (-FAR, -2.0, 2.0, FAR):
        minimax, non_saturating = results(torch.tensor([logit]), torch.ones(1))
        expect_close(f"minimax + non-saturating loss for the logit {logit:g}",
                     minimax + non_saturating, -logit,
                     "log((1 - D)/D) is minus the logit. " + LOGIT_HINT)
        expect_close(f"exp(minimax loss) for the logit {logit:g}, the chance that D calls the "
                     "picture generated", minimax.exp(), 1 / (1 + math.exp(min(logit, 99))),
                     LOGIT_HINT)


STEPS = ("after the first step", "after the second step")
HINTS = ("One step of plain SGD on the loss of this very minibatch, with the optimiser holding one "
         "player only.",
         "The first step was right. Gradients add up until they are set to zero; there is no "
         "momentum; the other player stands still.")


def players(rng: torch.Generator) -> tuple[Net, Net, list[Tensor]]:
    zs = [torch.randn(7, 3, generator=rng) for _ in STEPS]
    return Net.draw("mlp", (2, 12, 1), rng), Net.draw("mlp", (3, 8, 2), rng), zs


def check_discriminator_steps(discriminator_steps, seed: int = 0) -> None:
    rng = seeded(seed)
    D, G, zs = players(rng)
    xs = [torch.randn(5, 2, generator=rng) + 1 for _ in STEPS]
    lr, a = 0.5, uniform(rng).item()
    expected, generator = D.double(), G.double().build()
    loss = lambda net, real, fake: surprise(net(real), a) + surprise(net(fake), 0)
    for n, (x, z, when, hint) in enumerate(zip(xs, zs, STEPS, HINTS), 1):
        expected = descend(expected, loss, lr, x.double(), generator(z.double()).detach())
        results = call(discriminator_steps, D, G, xs[:n], zs[:n], lr, a)
        state, norm = expect_results(results, "D's state and the size of G's gradient", 2)
        expect_state(f"D {when}", state, expected, f"{hint} Real pictures have label a, those that "
                     "G makes of the given noise label 0.")
        expect_close(f"the gradient left in G {when}", norm, 0.0,
                     "Cut the path where the fakes leave G.", atol=0)


def check_generator_steps(generator_steps, seed: int = 0) -> None:
    D, G, zs = players(seeded(seed))
    lr, expected, discriminator = 0.5, G.double(), D.double().build()
    loss = lambda net, z: surprise(discriminator(net(z)), 1)
    for n, (z, when, hint) in enumerate(zip(zs, STEPS, HINTS), 1):
        expected = descend(expected, loss, lr, z.double())
        results = call(generator_steps, D, G, zs[:n], lr)
        state, D_state = expect_results(results, "G's state and D's state", 2)
        expect_state(f"D {when} of G", D_state, D,
                     "D is only asked: no optimiser holds its parameters.", atol=0, rtol=0)
        expect_state(f"G {when}", state, expected, f"{hint} G wants D to take its pictures for "
                     "real, -log D, and the gradient passes through D to reach G.")


def check_density_ratio(density_ratio, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype, rtol in ((torch.float32, 2e-5), (torch.float64, 2e-6)):
        for a in (1.0, 0.9, uniform(rng).item()):
            pi = uniform(rng).item()
            what = f"p/g for pi = {pi:.3f}, a = {a:.3f}"
            equal = torch.tensor(math.log(a * pi / (1 - a * pi)), dtype=dtype)
            expect_close(f"{what} where D = a pi", call(density_ratio, equal, pi, a), 1.0,
                         "That is the best D where p = g.", rtol=rtol, dtype=dtype)
            log_odds = torch.linspace(-80, 80 if a == 1 else 2, 42).double()  # pi p : (1 - pi) g
            logit = math.log(a) + log_odds - torch.log1p((1 - a) * log_odds.exp())
            expect_close(what, call(density_ratio, logit.to(dtype).reshape(2, 21), pi, a),
                         (log_odds.exp() * (1 - pi) / pi).reshape(2, 21),
                         "Solve D = a pi p/(pi p + (1 - pi) g) for p/g. Subtracting nearly equal "
                         "numbers loses digits: in float32, 1 - sigmoid(20) has none.",
                         rtol=rtol, atol=0, dtype=dtype)
            if a < 1:
                above = torch.linspace(math.log(a / (1 - a)) + 0.01, 80, 20, dtype=dtype)
                ratio = call(density_ratio, above, pi, a)
                expect_close(f"{what} where D > a", ratio, torch.full((20,), math.inf),
                             "The best D never exceeds a: such a picture counts as surely real, "
                             "with ratio inf.", dtype=dtype)
        expect_close("p/g where D = a", call(density_ratio, torch.zeros(2, dtype=dtype), 0.3, 0.5),
                     torch.full((2,), math.inf),
                     "The best D is a only where g = 0, so the ratio is inf.", dtype=dtype)


def check_proof(lines, seed: int = 0) -> None:
    check_lines(lines, minimax_with_prior(seed))
