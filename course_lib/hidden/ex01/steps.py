"""The facts of both players' training steps."""
import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.checks import Net, call, expect_close, expect_results, expect_state
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.slopes import descend
from course_lib.hidden.ex01.logits import surprise

FIRST = "One step of plain SGD on the loss of this very minibatch, with the optimiser holding one "
FIRST_HINT = FIRST + "player only. Gradients that lay there before belong to no step."
LATER_HINT = ("The first step was right. Gradients add up until they are set to zero; there is no "
              "momentum; the other player stands still.")
NOISE_SIZES, REAL_SIZES = (7, 4, 1, 20), (5, 20, 6, 1)


class Duel(NamedTuple):
    """Two networks, D(x) and G(z), minibatches, a learning rate, and labels of real pictures; after
    which of the steps one looks."""

    what: str
    D: Net
    G: Net
    xs: list[Tensor]
    zs: list[Tensor]
    lr: float
    labels: tuple[float, ...]
    looks: tuple[int, ...]


def duels(rng: torch.Generator) -> list[Duel]:
    """Several widths, one of them 1 throughout; minibatches of different sizes, some of one; a long
    list of them; a D that is sure, or far too sure, for and against what G makes; a D that is
    exactly undecided at first."""
    found, some = [], uniform(rng).item()
    wide, narrow = ((2, 12, 1), (3, 8, 2)), ((2, 5, 1), (3, 5, 2))
    for what, (D, G), lr, scale, bias, labels, looks in (
            ("", wide, 0.5, 1, 0, (some, 1.0), (1, 2, 3, 4)),
            (", deep", ((4, 6, 5, 1), (2, 5, 6, 4)), 0.02, 1, 0, (some, 1.0), (1, 2, 3, 4)),
            (", pictures of one number", ((1, 5, 1), (1, 4, 1)), 0.1, 1, 0, (0.3, 1.0), (1, 2, 4)),
            (", lr = 2", narrow, 2.0, 1, 0, (0.995,), (1, 2)),
            (", ten minibatches", ((1, 3, 1), (2, 3, 1)), 0.05, 1, 0, (0.9,), (10,)),
            (", a D that is undecided", ((2, 1), (3, 4, 2)), 0.1, 0, 0, (0.9,), (1, 2)),
            *((", a D that is sure", narrow, lr, scale, bias, (0.9,), looks)
              for lr, scale, bias, looks in (
                  (2, 1, -5.1, (1,)), (2, 1, 5.1, (1,)), (5, 1, -10.1, (1,)), (5, 1, 10.1, (1,)),
                  (0.5, 5, -25, (2,)), (1e-3, 30, 150, (1, 2)), (1e-3, 30, -150, (1, 2)),
                  (1e-3, 100, 2e3, (1,)), (1e-3, 100, -2e3, (1,)), (0.1, 1, 1e4, (2,)),
                  (0.1, 1, -1e4, (2,))))):
        D, G = Net.draw("mlp", D, rng), Net.draw("mlp", G, rng)
        last, sizes = [*D.state][-2:], range(max(looks))
        if scale == 0:                          # all pictures of G are 0, and so are their logits
            for net, keys in ((D, last[1:]), (G, [*G.state][-2:])):
                net.state.update({key: 0 * net.state[key] for key in keys})
        else:
            D.state[last[0]] *= scale
            D.state[last[1]] += bias
        xs = [torch.randn(REAL_SIZES[i % 4], D.args[0], generator=rng) + 1 for i in sizes]
        if scale == 0:
            xs[0] = 0 * xs[0]
        zs = [torch.randn(NOISE_SIZES[i % 4], G.args[0], generator=rng) for i in sizes]
        found.append(Duel(what, D, G, xs, zs, lr, labels, looks))
    return found


def after(n: int, what: str) -> tuple[str, str]:
    """When one looks, in words, and what then helps."""
    which = {1: "first", 2: "second", 3: "third", 4: "fourth"}.get(n, f"{n}th")
    return f"after the {which} step{what}", FIRST_HINT if n == 1 else LATER_HINT


class Stop(NamedTuple):
    """What a player is to have become after n of the duel's steps, where real pictures have label
    a."""

    duel: Duel
    a: float
    n: int
    expected: Net


@cache
def discriminator_stops(seed: int) -> list[Stop]:
    found = []
    for duel in duels(seeded(seed)):
        generator = duel.G.double().build()
        for a in duel.labels:
            expected = duel.D.double()
            loss = lambda net, real, fake, a=a: surprise(net(real), a) + surprise(net(fake), 0)
            for n, (x, z) in enumerate(zip(duel.xs, duel.zs), 1):
                fake = generator(z.double()).detach()
                expected = descend(expected, loss, duel.lr, x.double(), fake)
                found += [Stop(duel, a, n, expected)] if n in duel.looks else []
    return found


@cache
def generator_stops(seed: int) -> list[Stop]:
    found = []
    for duel in duels(seeded(seed)):
        expected, discriminator = duel.G.double(), duel.D.double().build()
        loss = lambda net, z, D=discriminator: surprise(D(net(z)), 1)
        for n, z in enumerate(duel.zs, 1):
            expected = descend(expected, loss, duel.lr, z.double())
            found += [Stop(duel, 1.0, n, expected)] if n in duel.looks else []
    return found


def check_discriminator_steps(discriminator_steps, seed: int = 0) -> None:
    for (what, D, G, xs, zs, lr, *_), a, n, expected in discriminator_stops(seed):
        when, hint = after(n, what)
        arrives = D._replace(grad=None if n == 2 else 0.5)
        results = call(discriminator_steps, arrives, G, xs[:n], zs[:n], lr, a, lent=(1,))
        state, norm = expect_results(results, "D's state and the size of G's gradient", 2)
        expect_state(f"D {when}", state, expected, f"{hint} Real pictures have label a, "
                     "those that G makes of the given noise label 0; each term is a mean "
                     "over its own minibatch.", atol=5e-6, dtype=torch.float32)
        expect_close(f"the gradient left in G {when}", norm, 0.0,
                     "Cut the path where the fakes leave G.", atol=0)


def check_generator_steps(generator_steps, seed: int = 0) -> None:
    for (what, D, G, _, zs, lr, *_), _, n, expected in generator_stops(seed):
        when, hint = after(n, what)
        arrives = G._replace(grad=None if n == 2 else 0.5)
        lent = D._replace(grad=math.nan)
        results = call(generator_steps, lent, arrives, zs[:n], lr, lent=(0,))
        state, D_state = expect_results(results, "G's state and D's state", 2)
        expect_state(f"D {when} of G", D_state, D,
                     "D is only asked: no optimiser holds its parameters.", atol=0, rtol=0,
                     dtype=torch.float32)
        expect_state(f"G {when}", state, expected, f"{hint} G wants D to take its "
                     "pictures for real, -log D, and the gradient passes through D to reach G.",
                     atol=5e-6, dtype=torch.float32)
