"""The facts of one adversarial step of all four networks, and of a game of points."""
import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.checks import Net, call, expect_close, expect_results, expect_state
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH
from course_lib.data.domains import clusters
from course_lib.hidden.ex04.networks import Four, fours, pictures
from course_lib.nets import mlp

PLAYERS = ("G", "F", "D_X", "D_Y")
STEP_HINT = ("G: X → Y is judged by D_Y, F: Y → X by D_X. Each network moves by -lr times the "
             "gradient of its own loss alone, and all gradients are taken at the old weights.")
TRAIN_HINT = ("In each step D_X, D_Y, then G, then F, each with the networks as they are by then; "
              "one Adam a network, for all steps.")
Players = tuple[nn.Module, nn.Module, nn.Module, nn.Module]


def adversarial(player: str, nets: Players, x: Tensor, y: Tensor, a: float, b: float, c: float):
    """The half least-squares loss of one player, number by number."""
    G, F, D_X, D_Y = nets
    real, judge, fake = {"G": (None, D_Y, G(x)), "F": (None, D_X, F(y)), "D_X": (x, D_X, F(y)),
                         "D_Y": (y, D_Y, G(x))}[player]
    pairs = [(fake, c)] if real is None else [(real, b), (fake.detach(), a)]
    total = 0.0
    for shown, label in pairs:
        out = judge(shown).flatten()
        total = total + ((out - label) ** 2).sum() / (2 * len(out))
    return total


def stepped(four: Four, args: tuple, lr: float) -> list[Net]:
    """One player after the other, always from the old weights."""
    found = []
    for i, player in enumerate(PLAYERS):
        nets = tuple(net.double()._replace(grad=None).build() for net in four.nets)
        loss = adversarial(player, nets, *args)
        gradients = torch.autograd.grad(loss, [*nets[i].parameters()])
        state = {key: w.detach() - lr * g for (key, w), g
                 in zip(nets[i].named_parameters(), gradients)}
        found.append(four.nets[i]._replace(state=state))
    return found


class Move(NamedTuple):
    """A step: the four networks, its minibatches in float64, labels and rate, and the networks
    that are to come of it."""

    four: Four
    x: Tensor
    y: Tensor
    labels: tuple[float, float, float]
    lr: float
    expected: list[Net]


@cache
def moves(seed: int, dtype: torch.dtype) -> list[Move]:
    rng, found = seeded(seed), []
    some = uniform(rng).item()

    def moves_by(four: Four, n: int, m: int, labels=(-1.0, 1.0, 0.0), lr=1.0, scale=1.0,
                 used=True) -> None:
        four = (four.used() if used else four).to(dtype)
        x, y = (pictures(rng, four, k, scale).to(dtype) for k in (n, m))
        expected = stepped(four, (x.double(), y.double(), *labels), lr)
        found.append(Move(four, x, y, labels, lr, expected))

    for four in fours(rng):
        moves_by(four, 1, 1, used=False)
        moves_by(four, 3, 2, (some - 1, 1 + some, some))
    points = fours(rng)[0]
    moves_by(points, 2, 9, (0.0, 1.0, 1.0), 0.1)
    moves_by(points, 9, 2, (0.1, 0.9, 0.9), 30.0)
    moves_by(points, 3, 3, (0.0, 0.0, 0.0))
    moves_by(points, 2, 3, (1.0, -1.0, 5.0))
    moves_by(points, 4, 3, (-500.0, 700.0, 300.0))
    moves_by(points, 2, 3, lr=0.0)
    parts = (("1",), ("1",), (), ("1",)), ((), (), ("1",), ())            # these are in eval mode
    for frozen in parts if dtype == torch.float64 else parts[:1]:
        moves_by(Four(points.what, *(net._replace(frozen=part) for net, part
                                     in zip(points.nets, frozen)), points.shape), 2, 2)
    for lr, scale in ((1e3, 1e-3), (1e-3, 30.0)):
        moves_by(points, 3, 2, lr=lr, scale=scale)
    return found


def check_adversarial_step(adversarial_step, seed: int = 0) -> None:
    for dtype in BOTH:
        tolerance = 1e-10 if dtype == torch.float64 else 3e-4
        for four, x, y, labels, lr, expected in moves(seed, dtype):
            got = call(adversarial_step, *four.nets, x, y, *labels, lr, lent=True)
            got = expect_results(got, "the weights of G, F, D_X and D_Y", 4)
            for name, state, net in zip(PLAYERS, got, expected):
                size = max(w.abs().max().item() for w in net.state.values())
                expect_state(f"{name} after a step from {len(x)} and {len(y)} pictures of shape "
                             f"{four.shape}, {four.what}, a, b, c = {labels}, lr = {lr:g}", state,
                             net, STEP_HINT, rtol=tolerance, atol=tolerance * size, dtype=dtype)


def copies(nets: tuple[Net, ...]) -> Players:
    return tuple(net.double()._replace(grad=None).build() for net in nets)


def played(nets: tuple[Net, ...], xs: Tensor, ys: Tensor, lr: float, lam: float,
           lam_id: float) -> list[Net]:
    """The game with Adam spelt out (Kingma & Ba 2015, Algorithm 1; β1 = 0.5, β2 = 0.99)."""
    players = copies(nets)
    G, F, D_X, D_Y = players
    size = lambda d: d.abs().sum() / d.numel()
    memory = {i: [[torch.zeros_like(w) for w in players[i].parameters()] for _ in "mv"]
              for i in range(4)}

    def terms(i: int, x: Tensor, y: Tensor) -> Tensor:
        if i > 1:
            judge, real, fake = ((D_X, x, F(y)), (D_Y, y, G(x)))[i - 2]
            return ((judge(real) - 1) ** 2).mean() + (judge(fake) ** 2).mean()
        own, judge, start, other = ((G, D_Y, x, y), (F, D_X, y, x))[i]
        cycle = size(F(G(x)) - x) + size(G(F(y)) - y)
        return ((judge(own(start)) - 1) ** 2).mean() + lam * cycle + lam_id * size(own(other)
                                                                                   - other)

    for t, (x, y) in enumerate(zip(xs.double(), ys.double()), start=1):
        for i in (2, 3, 0, 1):
            weights = [*players[i].parameters()]
            gradients = torch.autograd.grad(terms(i, x, y), weights)
            with torch.no_grad():
                for w, g, m, v in zip(weights, gradients, *memory[i]):
                    m.mul_(0.5).add_(0.5 * g)
                    v.mul_(0.99).add_(0.01 * g * g)
                    w -= lr * (m / (1 - 0.5 ** t)) / ((v / (1 - 0.99 ** t)).sqrt() + 1e-8)
    return [net._replace(state={key: w.detach() for key, w in player.state_dict().items()})
            for net, player in zip(nets, players)]


class Match(NamedTuple):
    """A game: the four networks, the batches, lr, lam and lam_id, and what is to come of it."""

    four: Four
    args: tuple[Tensor, Tensor, float, float, float]
    expected: list[Net]


@cache
def matches(seed: int) -> list[Match]:
    rng, found = seeded(seed), []
    some = uniform(rng).item()

    def plays(four: Four, steps: int, n: int, m: int, lr=0.01, lam=3.0, lam_id=1.5) -> None:
        four = four.used().to(torch.float64)
        xs, ys = (torch.stack([pictures(rng, four, k) for _ in range(steps)]) if steps else
                  torch.zeros(0, k, *four.shape).double() for k in (n, m))
        args = xs, ys, lr, lam, lam_id
        found.append(Match(four, args, played(four.nets, *args)))

    for four in fours(rng):
        plays(four, 1, 1, 1)
        plays(four, 3, 3, 2, 0.05 * some, 1.0 + some, some)
    points = fours(rng)[0]
    plays(points, 0, 3, 2)
    plays(points, 2, 5, 4, lam=0.0)
    plays(points, 2, 4, 5, lam_id=0.0)
    plays(points, 5, 3, 3, 0.1, 0.0, 0.0)
    plays(points, 2, 3, 3, 1e-3, 30.0, 1e-2)
    return found


def check_train(train, seed: int = 0) -> None:
    for four, args, expected in matches(seed):
        xs, ys, lr, lam, lam_id = args
        got = expect_results(call(train, *four.nets, *args), "the weights of G, F, D_X and D_Y", 4)
        for name, state, net in zip(PLAYERS, got, expected):
            expect_state(f"{name} after {len(xs)} steps with {xs.shape[1]} and {ys.shape[1]} "
                         f"pictures of shape {four.shape}, {four.what}, lr = {lr:g}, lam = "
                         f"{lam:g}, lam_id = {lam_id:g}", state, net, TRAIN_HINT, rtol=1e-10,
                         atol=1e-10, dtype=torch.float64)
    _judged(train, seed)


def game(seed: int, angle: float, steps: int = 100, n: int = 64, width: int = 32):
    """Networks as torch begins them, and batches of two clusters and of the same ones turned."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        nets = tuple(Net("mlp", widths, mlp(*widths).state_dict()) for widths
                     in ((2, width, width, 2),) * 2 + ((2, width, width, 1),) * 2)
    rng = seeded(seed + 1000)
    xs, ys = (clusters(steps * n, 0.8, angle=a, generator=rng).view(steps, n, 2)
              for a in (0.0, angle))
    return nets, xs, ys


def share_right(net: Net, points: Tensor, angle: float, target: float) -> float:
    """The share of points of the clusters at an angle that land near their own at the target."""
    e, f = (torch.tensor([math.cos(math.radians(a)), math.sin(math.radians(a))])
            for a in (angle, target))
    with torch.no_grad():
        ends = net.build()(points)
    away = ends - (points @ e).sign()[:, None] * f
    return (away.norm(dim=1) < 0.5).float().mean().item()


def _judged(train, seed: int) -> None:
    """Two clusters of weights 0.8 and 0.2, turned by 40° to 60° to either side."""
    angle = (-1) ** seed * (40 + 5 * (seed % 5))
    nets, xs, ys = game(seed, angle)
    got = call(train, *nets, xs, ys, 4e-3, 3.0, 3.0)
    got = expect_results(got, "the weights of G, F, D_X and D_Y", 4)
    for name, state, net, points, start, end in (("G", got[0], nets[0], xs, 0.0, angle),
                                                 ("F", got[1], nets[1], ys, angle, 0.0)):
        shapes = {key: x.shape for key, x in net.state.items()}
        assert isinstance(state, dict) and {k: x.shape for k, x in state.items()} == shapes, (
            f"expected the state_dict of {name}.")
        expect_close(f"the share of points that {name} brings to their own cluster, turned by "
                     f"{angle}°", share_right(net._replace(state=state), points[-4:].flatten(0, 1),
                                             start, end), 1.0, TRAIN_HINT, rtol=0, atol=0.15)
