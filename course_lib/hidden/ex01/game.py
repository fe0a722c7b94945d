"""The facts of the game itself: its value, its best discriminator, the divergence."""
import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_results
from course_lib.checks.facts.draws import probabilities, seeded, uniform
from course_lib.proofs.minimax import minimax_with_prior

DTYPES = ((torch.float32, 2e-6), (torch.float64, 1e-12))
SHAPES = ((5,), (3, 4), (2, 3, 7), (1, 6), (2, 1, 3), (4, 1), (1,), (2, 3, 1, 5))
FAR = 1e4
PRIORS = (0.3, 1e-3, 0.999)
RARE = (1e-6, 1 - 1e-6)                     # priors of which one is nearly nothing


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
    _gradient_beside_a_zero(game_value, rng)
    for pi in PRIORS + RARE:
        p, g, D = probabilities(rng, 3, 2, 6, dtype=torch.float64)
        V = (pi * p * D.log() + (1 - pi) * g * torch.log1p(-D)).sum(-1)
        expect_close(f"V of a random game with pi = {pi}", call(game_value, D, p, g, pi), V,
                     "pi is used as it is.", rtol=1e-11, atol=0)
        for i, (name, slope) in enumerate((
                ("D", pi * p / D - (1 - pi) * g / (1 - D)), ("p", pi * D.log()),
                ("g", (1 - pi) * torch.log1p(-D)))):
            gradient = call(game_value, D, p, g, pi, wrt=i)[1]
            if i:                           # an answer may divide p and g by their sums
                gradient, slope = (x - x.mean(-1, keepdim=True) for x in (gradient, slope))
            expect_close(f"the gradient of V in {name}, pi = {pi}, along tables that sum to 1",
                         gradient, slope, "Gradients flow in all three tables: nothing is "
                         "detached.", rtol=1e-9, atol=1e-12)


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
    small = torch.pow(2.0, -torch.arange(1, 21 if dtype == torch.float32 else 53)).to(dtype)
    D = torch.stack([torch.ones_like(small), 1 - small], 1)
    V = call(game_value, D, real.expand_as(D), fake.expand_as(D), 0.3)
    expect_close("V of a D that is 1 on the real picture and nearly 1 on the generated one",
                 V, 0.7 * small.double().log(), "No ε inside a log, and no clamp of D.",
                 rtol=1e-6, atol=0)


def _gradient_beside_a_zero(game_value, rng: torch.Generator) -> None:
    """The other games of a batch, whose tables hold no zero, have the gradients that they have
    alone."""
    tables = probabilities(rng, 3, 4, 3, dtype=torch.float64)
    for k in range(3):
        D, p, g = (table.clone() for table in tables)
        (D, p, g)[k][k] = torch.tensor([0.0, 0.5, 0.5])
        whole = [i for i in range(4) if i != k]
        for i, name in enumerate("Dpg"):
            gradient = call(game_value, D, p, g, 0.3, wrt=i)[1][whole]
            alone = call(game_value, D[whole], p[whole], g[whole], 0.3, wrt=i)[1]
            expect_close(f"the gradient of V in {name}, of games in whose batch another one has a "
                         f"0 in {'Dpg'[k]}", gradient, alone, "Each game has its own gradient.",
                         rtol=1e-12, atol=0)


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
    tables, V = [torch.stack(table) for table in (D, p, g)], torch.tensor(V)
    hint = ("Where D is right for sure each log that counts is log 1; the others have probability "
            "0, and there 0 log 0 is 0, not NaN. p log 0 is -inf where p > 0, so add nothing "
            "inside the logs. Each game has its own value.")
    for dtype in (torch.float32, torch.float64):
        D, p, g = (table.to(dtype) for table in tables)
        expect_close("V of games whose tables hold zeros", call(game_value, D, p, g, 0.3), V, hint)
        for i, row in enumerate(V):
            expect_close("V of a game whose tables hold zeros",
                         call(game_value, D[i], p[i], g[i], 0.3), row, hint)
        _value_of_rare_pictures(game_value, dtype)


def _value_of_rare_pictures(game_value, dtype: torch.dtype) -> None:
    """Pictures of tiny probability where D is wrong for sure, or plain; and tables with nothing in
    common, where D is small on the generated picture."""
    small = [1e-30, 1e-13, 1e-8] + [1e-300] * (dtype == torch.float64)
    rare = torch.tensor(small, dtype=dtype)
    none = torch.zeros_like(rare)
    usual, other = torch.stack([1 - rare, rare], 1), torch.stack([none, none + 1], 1)
    for D, p, g in (((1.0, 0.0), usual, other), ((0.0, 1.0), other, usual)):
        D = torch.tensor(D, dtype=dtype).expand_as(usual)
        V = call(game_value, D, p, g, 0.3)
        expect_close("V where D rules out a picture that hardly ever comes", V,
                     torch.full_like(V, -math.inf), "However small its probability is, its log 0 "
                     "is -inf: there is no threshold but 0 itself.")
    real, fake = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=dtype)
    low = torch.logspace(-9, -0.5, 30, dtype=dtype)
    for D, p, g, factor in ((torch.stack([torch.ones_like(low), low], 1), real, fake, 0.7),
                            (torch.stack([1 - low, torch.zeros_like(low)], 1), real, fake, 0.3)):
        V = call(game_value, D, p.expand_as(D), g.expand_as(D), 0.3)
        expect_close("V of a D that is nearly right", V, factor * torch.log1p(-low.double()),
                     "Each picture counts, be it real or generated, whatever D is there.",
                     rtol=0, atol=1e-7 if dtype == torch.float32 else 1e-13)


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
        _small_D(optimal_discriminator, dtype)


def _between_near_and_far(optimal_discriminator, dtype: torch.dtype, atol: float) -> None:
    """log p - log g over many decades, both in a batch and with each prior."""
    size = torch.cat([torch.logspace(-3, 4, 29), torch.arange(60.0, 100, 5)]).double()
    u = torch.cat([-size, size]).to(dtype)
    for pi in (*PRIORS, 1e-5, 1 - 1e-5, 1e-38):
        close = 1e-5 if dtype == torch.float32 and pi < 1e-30 else atol
        odds = u.double().exp() * (pi / (1 - pi))
        best, tail = 1 / (1 + 1 / odds), 1 / (1 + odds)
        for p, g in ((u, torch.zeros_like(u)), (torch.zeros_like(u), -u)):
            for i, sign in enumerate((1, -1)):
                D, gradient = call(optimal_discriminator, p, g, pi, wrt=i)
                where = f"where log p - log g = {u.tolist()[0]:g} … {u.tolist()[-1]:g}, pi = {pi}"
                expect_close(f"D* {where}", D, best, "Work with the difference of the logs, "
                             "without a clamp.", rtol=0, atol=close)
                expect_close(f"the gradient of D* in {('log_p', 'log_g')[i]} {where}",
                             gradient, sign * best * tail,
                             "Gradients flow in both arguments, and are finite everywhere.",
                             rtol=0, atol=close)


def _small_D(optimal_discriminator, dtype: torch.dtype) -> None:
    """A small D* counts by its size, and so does its gradient."""
    rtol = 3e-5 if dtype == torch.float32 else 1e-8
    u = -torch.arange(10.0, 81, 5, dtype=dtype)
    for pi in (0.3, 1e-3, 0.9):
        odds = u.double().exp() * (pi / (1 - pi))
        best, tail = odds / (1 + odds), 1 / (1 + odds)
        for p, g in ((u, torch.zeros_like(u)), (torch.zeros_like(u), -u)):
            for i, sign in enumerate((1, -1)):
                D, gradient = call(optimal_discriminator, p, g, pi, wrt=i)
                expect_close(f"D* where log p - log g = -10, -15 … -80, pi = {pi}", D, best,
                             "A small D* has digits too: 1 - (a number near 1) has lost them.",
                             rtol=rtol, atol=0)
                near = u > -36
                expect_close(f"its gradient in {('log_p', 'log_g')[i]} where they differ by -10 … "
                             f"-35, pi = {pi}", gradient[near], (sign * best * tail)[near],
                             "It is as small as D*, and not 0.", rtol=rtol, atol=0)


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
        for pi in PRIORS + RARE:
            _divergence_of_mixed_tables(results, rng, pi, dtype, atol)
    _tables_that_hardly_differ(jsd, results)
    _divergence_beside_a_zero(jsd, rng)
    for pi in PRIORS + RARE:
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


def _tables_that_hardly_differ(jsd, results) -> None:
    """Only some x of probability 1e-1, 1e-2, … tell p from g: JSD is that probability times its
    upper bound."""
    rare = torch.pow(10.0, -torch.arange(1, 11).double())
    none = torch.zeros_like(rare)
    same = [(1 - rare) / 3, 2 * (1 - rare) / 3]
    p, g = torch.stack([*same, rare, none], 1), torch.stack([*same, none, rare], 1)
    for pi in PRIORS[:1]:
        js, _, upper = results(p, g, pi)        # for smaller ones 1 - rare is too coarse
        expect_close("JSD of tables that differ in x of probability 1e-1, 1e-2, … only",
                     js, rare * float(upper), "No ε and no floor: small probabilities count by "
                     "their size.", rtol=1e-4, atol=0)
    small = torch.pow(10.0, -torch.arange(15, 301, 5).double())
    one = torch.ones_like(small)
    p, g = torch.stack([one, small, small], 1), torch.stack([one, small / 3, 1e3 * small], 1)
    for pi in PRIORS[:1]:
        m = pi * p + (1 - pi) * g
        for i, slope in enumerate((pi * (p / m).log(), (1 - pi) * (g / m).log())):
            gradient = call(jsd, p, g, pi, wrt=i, of=0)[1]
            expect_close(f"the gradient of JSD in {'pg'[i]}, at x of probability 1e-15 … 1e-300, "
                         "along tables that sum to 1", (gradient - gradient[:, :1])[:, 1:],
                         (slope - slope[:, :1])[:, 1:], "No ε and no floor: at an x, p/g counts.",
                         rtol=1e-6, atol=1e-9)


def _divergence_beside_a_zero(jsd, rng: torch.Generator) -> None:
    """The other pairs of a batch, whose tables hold no zero, have the gradients that they have
    alone."""
    tables = probabilities(rng, 2, 3, 3, dtype=torch.float64)
    for k in range(2):
        p, g = (table.clone() for table in tables)
        (p, g)[k][k] = torch.tensor([0.0, 0.5, 0.5])
        whole = [i for i in range(3) if i != k]
        for i, name in enumerate("pg"):
            gradient = call(jsd, p, g, 0.3, wrt=i, of=0)[1][whole]
            alone = call(jsd, p[whole], g[whole], 0.3, wrt=i, of=0)[1]
            expect_close(f"the gradient of JSD in {name}, of pairs in whose batch another one has "
                         f"a 0 in {'pg'[k]}", gradient, alone, "Each pair has its own gradient.",
                         rtol=1e-12, atol=0)
