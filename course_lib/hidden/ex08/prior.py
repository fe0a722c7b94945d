"""Exercise 8, the loss of the prior, row by row in float64."""
import math

import torch
from torch import Tensor

from course_lib.checks import Net, call, expect_close
from course_lib.checks.facts.draws import random_alpha_bar, seeded
from course_lib.checks.facts.same import BOTH, TOLERANCE, same

HINT = ("x_0 and c are unit vectors times sqrt(d); dropped rows see `none` as it is; each row's "
        "sum of squares is weighed by min(SNR, gamma); then the mean over the rows.")
GRADIENTS = (1, 2, 4, 6)                    # z_i, z_t, none, eps


def prior(net: Net, z_i: Tensor, z_t: Tensor, drop: Tensor, none: Tensor, t: Tensor, eps: Tensor,
          alpha_bar: Tensor, gamma: float) -> Tensor:
    module, (n, d), total = net.double()._replace(grad=None).build(), z_i.shape, 0.0
    for j in range(n):
        a = alpha_bar[t[j]].item()
        x_0 = z_i[j] * (d / z_i[j].square().sum()).sqrt()
        c = none if drop[j] else z_t[j] * (d / z_t[j].square().sum()).sqrt()
        x_t = math.sqrt(a) * x_0 + math.sqrt(1 - a) * eps[j]
        said = module(torch.cat([x_t, c]).reshape(1, -1), t[j:j + 1])[0]
        total = total + min(a / (1 - a), gamma) * torch.dot(x_0 - said, x_0 - said)
    return total / n


def check_prior_loss(prior_loss, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype in BOTH:
        for n, d, what in ((5, 3, ""), (1, 4, ", of one row"), (3, 1, ", where d = 1"),
                           (1, 1, ", of one row, where d = 1")):
            _one_batch(prior_loss, rng, n, d, dtype, what)
    _over_decades(prior_loss, rng)
    _looked_up(prior_loss, rng)


def _draw(rng: torch.Generator, n: int, d: int, dtype: torch.dtype) -> tuple:
    net = Net.draw("TimeMLP", (2 * d, 5, d), rng, 0.3)._replace(grad=0.3 if n > 1 else None)
    z_i, z_t, eps = torch.randn(3, n, d, generator=rng, dtype=torch.float64)
    lengths = 10 ** (6 * torch.rand(2, n, 1, generator=rng, dtype=torch.float64) - 3)
    z_i, z_t = ((0.999 * length * z / z.norm(dim=1, keepdim=True)).to(dtype)
                for length, z in zip(lengths.clamp(min=1.01e-3), (z_i, z_t)))
    none = torch.randn(d, generator=rng).to(dtype)
    return net if dtype == torch.float32 else net.double(), z_i, z_t, eps.to(dtype), none


def _one_batch(prior_loss, rng: torch.Generator, n: int, d: int, dtype: torch.dtype,
               what: str) -> None:
    net, z_i, z_t, eps, none = _draw(rng, n, d, dtype)
    alpha_bar = random_alpha_bar(rng, 12)
    t = torch.randint(1, 13, (n,), generator=rng)
    mixed = torch.arange(n) % 2 == 1
    blank = torch.where(mixed[:, None], 0.0, z_t).to(dtype)
    for drop, captions, about in ((mixed, z_t, ", some conditions dropped"),
                                  (mixed, blank, ", where dropped captions are 0"),
                                  (mixed | True, 0 * z_t, ", all conditions dropped"),
                                  (mixed & False, z_t, ", no condition dropped")):
        for gamma in (0.7, 3.0):
            args = net, z_i, captions, drop, none, t, eps, alpha_bar, gamma
            same(prior_loss, prior, args, ("the loss",), HINT, what=what + about, lent=(0,),
                 tolerance=20 * TOLERANCE[dtype])
            if gamma == 3.0 and (n == 5 or about.endswith("0")):
                near = [size * z / z.norm(dim=1, keepdim=True).clamp(min=1e-6)
                        for size, z in ((0.01, z_i), (100, captions))]
                same(prior_loss, prior, (net, *near, *args[3:]), ("the loss",), HINT,
                     what=what + about, wrt=GRADIENTS if d > 1 else GRADIENTS[2:],
                     tolerance=20 * TOLERANCE[dtype])
    if n > 1:
        frozen = net._replace(frozen=True)
        same(prior_loss, prior, (frozen, *args[1:]), ("the loss",), HINT, lent=(0,),
             what=" with a network in eval mode", tolerance=20 * TOLERANCE[dtype])


def _over_decades(prior_loss, rng: torch.Generator) -> None:
    """ᾱ from 1 − 1e-9 to 0, each time alone; and a network that says 0."""
    for dtype in BOTH:
        net, z_i, z_t, eps, none = _draw(rng, 1, 3, dtype)
        silent = net._replace(state={key: 0 * x for key, x in net.state.items()})
        drop = torch.tensor([False])
        for a in (1 - 1e-9, 1 - 1e-4, 0.5, 1e-5, 1e-9):
            for gamma in (5.0, 1e6, 1e-4):
                alpha_bar = torch.tensor([1.0, a], dtype=torch.float64)
                got = call(prior_loss, silent, z_i, z_t, drop, none, torch.tensor([1]), eps,
                           alpha_bar, gamma, lent=(0,))
                weight = min(a / (1 - a), gamma)
                expect_close(f"the loss of a network that says 0, in units of its weight, at ᾱ_t = "
                             f"{a!r} with gamma = {gamma:g}", got / weight, 3.0,
                             "It is d times min(SNR, gamma).", rtol=20 * TOLERANCE[dtype], atol=0,
                             dtype=dtype)
        alpha_bar = torch.tensor([1.0, 0.0], dtype=torch.float64)
        got = call(prior_loss, net, z_i, z_t, drop, none, torch.tensor([1]), eps, alpha_bar, 5.0)
        expect_close("the loss where ᾱ_t = 0", got, 0.0, "Pure noise has SNR 0.", dtype=dtype,
                     atol=0)
        for size in (1e-6, 1e3):                    # `none`, as it is
            args = net, z_i, z_t, ~drop, size * none, torch.tensor([1]), eps, torch.tensor(
                [1.0, 0.6], dtype=torch.float64), 5.0
            # waves of 4e3 in float32: an error of 1e-4 in each
            same(prior_loss, prior, args, ("the loss",), HINT, what=" where `none` is small or "
                 "large", tolerance=5e-4 if dtype == torch.float32 else 1e-9)
        for scale in (30.0, 1e-3):                  # ε, as it is
            args = net, z_i, z_t, drop, none, torch.tensor([1]), scale * eps, torch.tensor(
                [1.0, 0.6], dtype=torch.float64), 5.0
            same(prior_loss, prior, args, ("the loss",), HINT, what=" where ε is small or large",
                 tolerance=5e-4 if dtype == torch.float32 else 1e-9)


def _looked_up(prior_loss, rng: torch.Generator) -> None:
    """A network that looks its times up, which takes whole numbers."""
    for dtype in BOTH:
        _, z_i, z_t, eps, none = _draw(rng, 4, 3, dtype)
        net = Net.draw("TimeLinear", (6, 12, 3), rng, 0.3)
        net = net if dtype == torch.float32 else net.double()
        t = torch.randint(1, 13, (4,), generator=rng)
        args = (net, z_i, z_t, torch.arange(4) == 1, none, t, eps, random_alpha_bar(rng, 12), 3.0)
        try:
            same(prior_loss, prior, args, ("the loss",), HINT, lent=(0,),
                 tolerance=20 * TOLERANCE[dtype], what=" of a network that looks its times up")
        except (RuntimeError, TypeError, IndexError) as error:
            raise AssertionError("a network that looks its times up could not be asked: it takes "
                                 f"t as it is, int64 (n,). PyTorch says: {error}") from error
