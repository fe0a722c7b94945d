"""The facts of BigGAN's objectives: hinges with shares, pairs of filters, and a logit that is told
the class; each number by number."""
import torch
from torch import Tensor

from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same

HINGE_HINT = ("Three weighted means: a picture's hinge for real ones with its share a, its hinge "
              "for generated ones and its logit with 1 - a. At the margin the gradient is 0.")
PAIRS_HINT = ("Of each weight with more than one dimension: the products of each filter, a row of "
              "W.flatten(1), with each other filter, squared and summed, each pair twice.")
LOGIT_HINT = ("phi is the sum over all pixels of ReLU; the logit of a picture is (its row of p "
              "times V, plus psi) · phi + b.")


def hinges(logit: Tensor, a: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """As loops say it, and with no slope at the margin."""
    L_D = L_G = 0
    for share, D in zip(a.tolist(), logit):
        real, generated = share / a.sum(), (1 - share) / (1 - a).sum()
        if D < margin:
            L_D = L_D + real * (margin - D)
        if D > -margin:
            L_D = L_D + generated * (margin + D)
        L_G = L_G - generated * D
    return L_D + 0 * logit.sum(), L_G


def check_hinge_losses(hinge_losses, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda n: torch.randn(n, dtype=torch.float64, generator=rng)
    cases = []
    for n, margin in ((1, 1.0), (2, 0.5), (7, 1.0), (30, 4.0), (12, 1e-6), (9, 1e6), (5, 3e-12)):
        cases.append((2 * margin * draw(n), uniform(rng, n, low=0.01, high=0.99), margin))
    plain = torch.tensor([1.0, 0, 1, 0, 0, 1, 0, 1]).double()
    mixed = plain.clone()
    mixed[2:5] = uniform(rng, 3)
    for margin in (1.0, 0.25, 8.0):                   # inside, exactly at, and beyond the margin
        at = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 0.5, 0.0]).double()
        cases += [(margin * at, shares, margin) for shares in (plain, mixed)]
        right = (2 * plain - 1) * torch.tensor([1, 1, 2, 3, 1, 5, 9, 1])
        cases += [(margin * right, plain, margin)]
    cases += [(draw(4), uniform(rng, 4) * tiny, 1.0) for tiny in (1e-6, 1e-20, 1e-30)]
    cases += [(1e8 * draw(3), uniform(rng, 3), 1.0), (1e4 * draw(6).abs() + 9, plain[:6], 2.0)]
    cases += [(1e-9 * draw(6), mixed[:6], 1.0)]
    least = torch.tensor([2, 1, 4, 3, 1]).double() / 2         # how far a is from 1, in steps
    for dtype in BOTH:
        nearly = draw(5), 1 - torch.finfo(dtype).eps * least, 1.0
        one_step = draw(2), 1 - torch.finfo(dtype).eps * torch.tensor([0, 0.5]).double(), 1.0
        for logit, a, margin in [*cases, nearly, one_step]:
            logit, a = logit.to(dtype), a.to(dtype)
            what = f" of {len(a)} pictures, a sum of shares of {a.sum().item():.3g}, m = {margin:g}"
            same(hinge_losses, hinges, (logit, a, margin), ("L_D", "L_G"), HINGE_HINT, what=what,
                 wrt=(0,), of=(0, 1), size=logit.abs().max().item(), slope=1)


def pairs(beta: float, *weights: Tensor) -> Tensor:
    total = 0
    for W in weights:
        for i in range(len(W) if W.ndim > 1 else 0):
            for j in range(i):
                total = total + 2 * (W[i] * W[j]).sum() ** 2
    return beta * (total + 0 * sum(W.sum() for W in weights))


def check_orthogonal_penalty(orthogonal_penalty, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=rng)
    some = uniform(rng).item()
    cases = [(some, draw(3, 2)), (1e-4, draw(2, 5)), (1.0, draw(5, 1)), (1.0, draw(1, 4)),
             (0.0, draw(3, 3)), (2.0, draw(4, 3, 2, 2)), (1e6, draw(2, 3, 1, 3)),
             (0.5, draw(3, 2, 2, 2, 2)), (some, draw(6), draw(4, 2), draw(2, 4), draw(1)),
             (3.0, draw(2, 2, 3, 1), draw(5), draw(3, 7), draw(4, 2, 3)), (1.0, 1e-3 * draw(3, 2)),
             (1.0, 1e-6 * draw(3, 2, 2, 1)), (1e-4, 1e4 * draw(4, 3)),
             (1.0, 1e-5 * draw(2, 2), 1e-5 * draw(3, 2)), (1.0, draw(1, 1), draw(2, 1))]
    twice = draw(2, 3, 2)                             # two filters that are alike, and one of ones
    cases += [(0.5, torch.cat([twice, twice[:1]])), (2.0, torch.ones(3, 2).double())]
    for dtype in BOTH:
        for beta, *weights in cases:
            args = beta, *(W.to(dtype) for W in weights)
            counted = tuple(i for i, W in enumerate(args) if i and W.ndim > 1)
            same(orthogonal_penalty, pairs, args, ("the penalty",), PAIRS_HINT, wrt=counted,
                 what=f" of weights of shapes {[tuple(W.shape) for W in weights]}")
    for length, other in ((100.0, 1e-6), (1e3, 1e-9)):
        nearly = length * torch.eye(3, dtype=torch.float64)
        nearly = nearly + other * uniform(rng, 3, 3)
        same(orthogonal_penalty, pairs, (1.0, nearly), ("the penalty",), PAIRS_HINT, wrt=(1,),
             what=f" of filters of length {length:g} that are orthogonal but for {other:g}",
             tolerance=1e-9)


def projected(features: Tensor, p: Tensor, V: Tensor, psi: Tensor, b: Tensor) -> Tensor:
    logits = []
    for f, weights in zip(features, p):
        phi = torch.stack([plane[plane > 0].sum() for plane in f])
        logits.append(b + psi @ phi + sum(w * (v @ phi) for w, v in zip(weights, V)))
    return torch.stack(logits)


def check_projection_logit(projection_logit, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=rng)
    for dtype in BOTH:
        for shape, K, scale in (((1, 1, 1, 1), 1, 1), ((3, 2, 2, 4), 3, 1), ((2, 5, 1, 3), 1, 100),
                                ((5, 1, 3, 1), 4, 1e-9), ((3, 3, 4, 2), 3, 1e6),
                                ((4, 4, 1, 1), 4, 1e-3)):
            batch, C = shape[:2]
            soft = draw(batch, K).softmax(1)
            soft[-1] = draw(K)                        # weights that are no probabilities
            hard = torch.eye(K, dtype=torch.float64)[torch.randint(K, (batch,), generator=rng)]
            kinds = ("soft labels", soft), ("classes", hard), ("no labels", 0 * soft)
            for what, p in kinds if batch == 3 else kinds[:1]:
                args = scale * draw(shape), p, draw(K, C), draw(C), scale * draw(1)[0]
                args = tuple(arg.to(dtype) for arg in args)
                same(projection_logit, projected, args, ("the logit",), LOGIT_HINT,
                     wrt=(0, 1, 2, 3, 4), what=f" of features {shape}, {K} classes, {what}",
                     tolerance=5e-5 if dtype == torch.float32 else None)
