"""The facts of two losses of an energy: denoising score matching, and a joint energy's with a
replay buffer. References are made picture by picture in float64, once for all submissions."""
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.checks import Net, call, expect_close, expect_results, expect_state
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH

SCORE_HINT = ("Half the squared distance of -grad E(x + sigma z)/sigma and -z/sigma, summed over "
              "the numbers of a picture, times sigma**p, averaged over the batch; each picture has "
              "its own sigma.")
JOINT_HINT = ("Mean energy of the data minus that of the chains' ends, plus alpha times both means "
              "of squares; labelled pictures have the energy of their label. The ends are held "
              "fixed.")
KEPT_HINT = ("Chains start from `fresh` where restart is true, else from their place; every end "
             "goes back to its chain's place.")


class Case(NamedTuple):
    """What a loss is asked for, and what is to come: the loss, its gradients, and the buffer."""

    what: str
    args: tuple
    loss: Tensor
    gradients: Net
    kept: Tensor | None = None
    exact: bool = False         # the buffer holds copies, to the last digit


def expect_case(answer, case: Case, hint: str, dtype: torch.dtype) -> None:
    tolerance = 1e-9 if dtype == torch.float64 else 1e-3
    names = "the loss, its gradients" + (", the buffer" if case.kept is not None else "")
    got = expect_results(call(answer, *case.args, lent=True), names,
                         2 + (case.kept is not None))
    if case.kept is not None:
        size = case.kept.abs().max().item() if case.kept.numel() else 0
        near = 0 if case.exact else tolerance / 10
        expect_close(f"the buffer {case.what}", got[2], case.kept, KEPT_HINT, rtol=near,
                     atol=near * size, dtype=dtype)
    expect_close(f"the loss {case.what}", got[0], case.loss, hint, rtol=tolerance,
                 atol=tolerance * case.loss.abs().item() + 1e-30, dtype=dtype)
    size = max(g.abs().max().item() for g in case.gradients.state.values())
    expect_state(f"the gradients {case.what}", got[1], case.gradients, hint, rtol=tolerance,
                 atol=tolerance * size + 1e-30, dtype=dtype)


def with_slopes(net: Net, module, loss: Tensor) -> tuple[Tensor, Net]:
    names, weights = zip(*module.named_parameters())
    slopes = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
    return loss.detach(), net._replace(state=dict(zip(names, slopes)))


def networks(rng: torch.Generator, classes: int | None = None) -> list[tuple[str, Net, tuple]]:
    """Energies, or logits of so many classes: a name, the network, the shape of one picture."""
    k, draw = classes or 1, lambda name, *args: Net.draw(name, args, rng, 0.5)
    found = [("points", draw("smooth_mlp", 3, 7, k), (3,)),
             ("one number", draw("smooth_mlp", 1, 5, k), (1,)),
             ("points, ReLU", draw("mlp", 3, 7, k), (3,)),
             ("pictures", draw("ConvE", 2, 4, k, 5, 2), (2, 4, 4))]
    if classes is None:                                           # many outputs a picture
        found += [("outputs all over a picture", draw("smooth_mlp", 4, 5, 2), (2, 3, 4)),
                  ("two outputs", draw("mlp", 3, 6, 2), (3,)),
                  ("outputs all over a row", draw("smooth_mlp", 2, 5, 1), (3, 2))]
    return found


def score_matching(net: Net, x: Tensor, k: Tensor, z: Tensor, sigma: Tensor, p: float):
    """Picture by picture."""
    module, loss = net.double()._replace(grad=None).build(), 0.0
    for x_i, z_i, level in zip(x.double(), z.double(), k.tolist()):
        std = sigma[level].double()
        noisy = (x_i + std * z_i)[None].requires_grad_()
        slope, = torch.autograd.grad(module(noisy).sum(), noisy, create_graph=True)
        score, wanted = -slope[0] / std, -z_i / std
        loss = loss + std**p * ((score - wanted) ** 2).sum() / (2 * len(x))
    return with_slopes(net, module, loss)


@cache
def score_cases(seed: int, dtype: torch.dtype) -> list[Case]:
    rng, found = seeded(seed), []
    some = uniform(rng).item()

    def asks(what: str, net: Net, shape: tuple, n: int, p=2.0, levels=4, low=0.1, high=2.0,
             size=1.0, noise=1.0, like: Tensor | None = None) -> None:
        net = (net if dtype == torch.float32 else net.double())._replace(
            grad=0.4 if n > 1 else None)
        x, z = torch.randn(2, n, *shape, dtype=torch.float64, generator=rng)
        x, z = (size * x).to(dtype), (noise * z if like is None else like + noise * z).to(dtype)
        sigma = torch.logspace(0, 1, levels, dtype=torch.float64) - 1
        sigma = (low * (high / low) ** (sigma / 9)).flip(0).to(dtype)
        k = torch.randint(levels, (n,), generator=rng)
        if n > 1 and levels > 1:
            k[:2] = torch.tensor([0, levels - 1])
        args = net, x, k, z, sigma, p
        found.append(Case(f"of {n} pictures of shape {shape}, {what}, sigma from {high:g} to "
                          f"{low:g}, p = {p:.3g}", args, *score_matching(*args)))

    nets = networks(rng)
    for what, net, shape in nets:
        asks(what, net, shape, 1)
        asks(what, net, shape, 3, p=1 + some)
        asks(what, net, shape, 5, p=2 * some)
    what, points, shape = nets[0]
    asks(what, points, shape, 4, p=0.0)
    asks(what, points, shape, 4, p=-1.0, low=0.5)
    asks(what, points, shape, 3, levels=1, low=0.7)
    for low, high, p in ((1e-3, 1e-2, some), (10.0, 1e3, some), (1e-2, 1e2, some),
                         (1e-3, 1e-2, -1.0), (1e-3, 1e-2, -4.0), (1e2, 1e3, 6.0)):
        asks(what, points, shape, 3, p=p, low=low, high=high)
    for slope in (1e2, 1e4):
        steep = points._replace(state={key: slope ** 0.5 * w for key, w in points.state.items()})
        asks(f"whose slopes are near {slope:g}", steep, shape, 3, p=some)
    for slope in (1e-6, 1e5, 1e8):                                # far from any noise
        line = Net.draw("mlp", (3, 1), rng, slope)
        asks(f"whose slopes are near {slope:g}", line, shape, 3, low=1e-3, high=1e-2, noise=0.0)
    if dtype == torch.float64:                                    # the noise is nearly known
        line = Net.draw("mlp", (3, 1), rng, 1.0)
        asks("whose score is right to four digits", line, shape, 3, low=1e-3, high=1e-2,
             like=line.state["0.weight"].double(), noise=3e-5)
    asks("in eval mode", points._replace(resting=("",)), shape, 3)
    asks("one layer in eval mode", points._replace(resting=("0",)), shape, 3)
    asks(what, points, shape, 3, size=100.0)
    silent = points._replace(state={key: 0 * w for key, w in points.state.items()})
    asks("whose energy is flat", silent, shape, 3)
    for noise in (1e-6, 0.0):                                     # nearly nothing, and nothing
        asks(f"whose energy is flat, of x = 0, noise of size {noise:g}", silent, shape, 3,
             noise=noise, size=0.0)
    return found


def check_score_loss(score_loss, seed: int = 0) -> None:
    for dtype in BOTH:
        for case in score_cases(seed, dtype):
            expect_case(score_loss, case, SCORE_HINT, dtype)


def free(logits: Tensor) -> Tensor:
    """−log Σ exp of one picture's logits."""
    top = max(logits.tolist())
    return -(top + sum(torch.exp(f - top) for f in logits).log())


def joint(net: Net, x: Tensor, y: Tensor, kept: Tensor, place: Tensor, restart: Tensor,
          fresh: Tensor, z: Tensor, eta: float, alpha: float):
    """Picture by picture and chain by chain."""
    module = net.double()._replace(grad=None).build()
    after, ends = kept.double().clone(), []
    for i, at in enumerate(place.tolist()):
        state = (fresh[i] if restart[i] else kept[at]).double()
        for noise in z[:, i].double():
            state = state.clone().requires_grad_()
            slope, = torch.autograd.grad(free(module(state[None])[0]), state)
            state = state.detach() - eta / 2 * slope + eta**0.5 * noise
        after[at] = state
        ends.append(state)
    data = [free(module(x_i[None])[0]) if label < 0 else -module(x_i[None])[0, label]
            for x_i, label in zip(x.double(), y.tolist())]
    model = [free(module(end[None])[0]) for end in ends]
    mean = lambda energies: sum(energies) / len(energies)
    squares = mean([e**2 for e in data]) + mean([e**2 for e in model])
    loss, gradients = with_slopes(net, module, mean(data) - mean(model) + alpha * squares)
    return loss, gradients, after


@cache
def joint_cases(seed: int, dtype: torch.dtype) -> list[Case]:
    rng, found = seeded(seed), []
    some = uniform(rng).item()

    def asks(what: str, net: Net, shape: tuple, n: int, m: int, size: int, classes: int, steps=3,
             eta=0.3, alpha=0.2, labels="some", restarts="some", scale=1.0, pair=None,
             far=1.0) -> None:
        net = (net if dtype == torch.float32 else net.double())._replace(
            grad=-0.6 if n > 1 else None)
        draw = lambda *head: scale * torch.randn(*head, *shape, dtype=torch.float64,
                                                 generator=rng).to(dtype)
        y = torch.randint(classes, (n,), generator=rng)
        if labels != "all":
            y[torch.arange(n) % 2 == 0] = -1
        if labels == "none":
            y[:] = -1
        restart = torch.arange(m) % 2 == 1
        if restarts != "some":
            restart[:] = restarts == "all"
        place = torch.randperm(size, generator=rng)[:m]
        x, fresh = pair or (draw(n), draw(m))
        kept = draw(size)
        if far != 1:                                              # where no chain begins
            kept[place[restart]] *= far
            fresh[~restart] *= far
        args = (net, x, y, kept, place, restart, fresh, draw(steps, m), eta, alpha)
        loss, gradients, kept = joint(*args)
        found.append(Case(f"of {n} pictures of shape {shape}, {what}, labels {y.tolist()}, {m} "
                          f"chains of {steps} steps, restart = {restart.tolist()}, eta = {eta:g}, "
                          f"alpha = {alpha:g}", args, loss, gradients, kept, steps == 0))

    nets = networks(rng, 3)
    for what, net, shape in nets:
        asks(what, net, shape, 1, 1, 1, 3)
        asks(what, net, shape, 4, 3, 7, 3, eta=some, alpha=some)
        asks(what, net, shape, 3, 3, 3, 3, steps=2, labels="all")
    what, points, shape = nets[0]
    asks(what, points, shape, 2, 5, 6, 3, alpha=0.0, labels="none")
    asks(what, points, shape, 3, 2, 4, 3, steps=0)
    asks("the other places of size 1e12", points, shape, 3, 5, 6, 3, steps=0, far=1e12)
    asks(what, points, shape, 3, 4, 4, 3, restarts="all")
    asks(what, points, shape, 5, 4, 9, 3, restarts="none", labels="all", steps=1)
    asks(what, points, shape, 3, 2, 5, 3, eta=1e-6)
    asks(what, points, shape, 3, 2, 5, 3, alpha=50.0, eta=2.0)
    asks("far from 0", points, shape, 3, 4, 5, 3, scale=100.0, alpha=0.01)
    pair = torch.randn(2, 2, *shape, dtype=torch.float64, generator=rng).to(dtype)
    for way in (pair, pair.flip(0)):                              # of two losses one is below 0
        asks("data and chains exchanged", points, shape, 2, 2, 3, 3, steps=0, alpha=0.0,
             labels="none", restarts="all", pair=(*way,))
    one = Net.draw("mlp", (3, 6, 1), rng, 0.5)
    asks("one class", one, shape, 3, 2, 2, 1)
    asks("in eval mode", points._replace(resting=("",)), shape, 3, 2, 4, 3)
    asks("one layer in eval mode", points._replace(resting=("0",)), shape, 3, 2, 4, 3)
    for slope in (1e2, 1e4):
        line = Net.draw("mlp", (3, 1), rng, slope)
        asks(f"linear, slopes of size {slope:g}", line, shape, 3, 3, 4, 1, alpha=0.01)
        if dtype == torch.float32:                                # shares of classes need digits
            continue
        shared = Net("mlp", (3, 3), {key: w.expand(3, *w.shape[1:]) + torch.randn(
            3, *w.shape[1:], generator=rng) for key, w in line.state.items()})
        asks(f"linear, slopes of size {slope:g} which all classes share", shared, shape, 3, 3, 4,
             3, alpha=0.01)
    big = 1e4 if dtype == torch.float64 else 200.0                # exp of these is inf or 0
    for shift in (big, -big):
        last = [*points.state][-1]
        far = {**points.state, last: points.state[last] + shift}
        asks(f"logits near {shift:g}", points._replace(state=far), shape, 3, 2, 4, 3, alpha=1e-4)
    return found


def check_joint_loss(joint_loss, seed: int = 0) -> None:
    for dtype in BOTH:
        for case in joint_cases(seed, dtype):
            expect_case(joint_loss, case, JOINT_HINT, dtype)
