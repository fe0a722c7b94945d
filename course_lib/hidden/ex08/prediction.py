"""The facts of zero-shot prediction with several prompts a class and a prior over the classes."""
import math

import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_results, expect_tensor
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH

HINT = ("A class's direction is the mean of its prompts' unit vectors, made a unit vector again. "
        "P(class | picture) is proportional to prior * exp(cosine / tau).")
TIES = ("The class with the smallest number among those whose probability is within 1e-6 of the "
        "picture's largest one.")


def one_by_one(z_i: Tensor, z_t: Tensor, c: Tensor, prior: Tensor, tau: float) -> Tensor:
    """Picture by picture and class by class, in logarithms: (n, K)."""
    rows = []
    for z in z_i:
        odds = []
        for k, share in enumerate(prior.tolist()):
            direction = sum(prompt / prompt.norm() for prompt in z_t[c == k])
            cosine = (z / z.norm()) @ (direction / direction.norm())
            odds.append(-math.inf if share == 0 else math.log(share) + cosine.item() / tau)
        top = max(odds)
        shares = [math.exp(odd - top) for odd in odds]
        rows.append([share / sum(shares) for share in shares])
    return torch.tensor(rows, dtype=torch.float64)


def drawn(rng: torch.Generator, many: Tensor, d: int) -> tuple[Tensor, Tensor]:
    """Unit prompts that do not cancel within a class, in mixed order, and their classes; float64.
    """
    c = torch.arange(len(many)).repeat_interleave(many)
    c = c[torch.randperm(len(c), generator=rng)]
    centres = torch.randn(len(many), d, dtype=torch.float64, generator=rng)
    centres = torch.nn.functional.normalize(centres, dim=1)
    z_t = centres[c] + 0.25 * uniform(rng, len(c), d, low=-1, high=1)
    return torch.nn.functional.normalize(z_t, dim=1), c


def check_zero_shot(zero_shot, seed: int = 0) -> None:
    rng = seeded(seed)
    normal = lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng)

    def holds(z_i: Tensor, z_t: Tensor, c: Tensor, prior: Tensor, tau: float, dtype: torch.dtype,
              what: str, tied: bool = False) -> None:
        given = [x.to(dtype) for x in (z_i, z_t)], prior.to(dtype)
        args = (*given[0], c, given[1], tau)
        expected = one_by_one(*(x.double() for x in given[0]), c, given[1].double(), tau)
        n, K = expected.shape
        what = f" of {n} pictures, {K} classes, {len(c)} prompts, tau = {tau:g}{what}"
        p, y = expect_results(call(zero_shot, *args), "the probabilities and the classes", 2)
        tolerance = 1e-10 if dtype == torch.float64 else 2e-6 * max(1.0, 1 / tau)
        expect_close(f"the probabilities{what}", p, expected, HINT, rtol=tolerance,
                     atol=tolerance, dtype=dtype)
        best, at = expected.max(1)
        clear = ((expected > best[:, None] - 10 * tolerance - 1e-5).sum(1) == 1)
        first = torch.stack([(row >= row.max() - 1e-6).nonzero()[0, 0] for row in expected])
        expect_tensor(f"the classes{what}", y, (n,), torch.int64, TIES)
        for j in range(n):
            if clear[j] or tied:
                right = first[j].item()
                assert y[j].item() == right, (
                    f"the classes{what}: expected {right} for picture {j}, whose probabilities are "
                    f"{expected[j].tolist()}, got {y[j].item()}. {TIES}")

    for dtype in BOTH:
        for n, many, d in ((5, (1, 3, 2), 4), (1, (2, 2), 3), (3, (1,), 2), (4, (4, 1, 1, 2), 1),
                           (2, (1, 5), 8), (6, (3, 2, 4, 1, 1), 5), (1, (1, 1), 1)):
            many = torch.tensor(many)
            z_t, c = drawn(rng, many, d)
            z_i, prior = normal(n, d), uniform(rng, len(many))
            z_i = torch.nn.functional.normalize(z_i, dim=1)
            lengths = 10 ** uniform(rng, len(c), 1, low=-1, high=1)
            for tau in (1e-3, 1e-2, 0.07, 1.0, 1e3) if dtype == torch.float64 else (1e-2, 0.3):
                holds(z_i * 10 ** uniform(rng, n, 1, low=-1, high=1), z_t * lengths, c,
                      prior / prior.sum(), tau, dtype, "")
            spread = 10 ** uniform(rng, len(c), 1, low=-2.9, high=2.9)
            for size in (1e-2, 100.0):
                holds(z_i * size * 10 ** uniform(rng, n, 1, low=-0.9, high=0.9), z_t * spread, c,
                      prior * size, 0.5, dtype, ", embeddings of other lengths")
        # Prompts that nearly cancel: means of lengths from 0.11 to 0.9, opposite prompts aside.
        u, w = torch.linalg.qr(normal(4, 5, 2)).Q.unbind(2)
        short = torch.tensor([0.11, 0.15, 0.3, 0.9]).double()[:, None]
        z_t = torch.cat([short * u + sign * (1 - short ** 2).sqrt() * w for sign in (1, -1)])
        holds(normal(3, 5), z_t, torch.arange(4).repeat(2), uniform(rng, 4), 0.5, dtype,
              ", where prompts nearly cancel")
        # Priors: absent classes, weights far apart, and a class that is absent but fits best.
        z_t, c = drawn(rng, torch.tensor([2, 1, 3]), 6)
        z_i = torch.stack([z_t[c == k][0] for k in range(3)])
        for weights in ((0.0, 1.0, 2.0), (1.0, 0.0, 0.0), (1e6, 1e-6, 1.0), (1e-6, 1e-6, 2e-6),
                        (0.0, 3.0, 0.0)):
            for tau in (0.01, 0.1, 2.0):
                holds(z_i, z_t, c, torch.tensor(weights).double(), tau, dtype,
                      f", prior {list(weights)}")
        z_t, c = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [-0.8, 0.6]]).double(), torch.arange(3)
        holds(z_t[:1], z_t, c, torch.tensor([0.0, 1.0, 2.0]).double(), 0.02
              if dtype == torch.float32 else 1e-3, dtype,
              ", where the class that fits has the prior 0")
        # Ties: the same prompts in two classes, among others; nearly the same probabilities.
        z_t, c = drawn(rng, torch.tensor([2, 2]), 4)
        z_t = torch.cat([z_t, 3 * z_t[c == 1].flip(0)])
        for numbers in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
            classes = torch.tensor([*(numbers[k] for k in c.tolist()), numbers[2], numbers[2]])
            z_i = torch.cat([z_t[c.tolist().index(1)][None], normal(3, 4)])
            holds(z_i, z_t, classes, torch.ones(3).double(), 1.0, dtype,
                  ", two classes with the same prompts", tied=True)
        axes = torch.eye(3).double()
        for size in (1.0, 7.0):
            holds(size * axes.sum(0)[None], axes, torch.tensor([2, 0, 1]), torch.ones(3).double(),
                  0.7, dtype, ", three classes that fit equally well", tied=True)
        if dtype == torch.float64:
            same = axes[:1].repeat(3, 1)
            for more in (1e-6, 1e-5, -1e-6, -1e-5):
                holds(axes, same, torch.arange(3), torch.tensor([1.0, 1 + more, 0.9]).double(), 0.1,
                      dtype, f", the second one likelier than the first by {more:g}", tied=True)
            for steps in ((0, 1, 2), (2, 1, 0), (0, 2, 1), (1, 0, 2)):      # each near the next
                prior = 1 + 2.4e-6 * torch.tensor(steps).double()
                holds(axes, same, torch.arange(3), prior, 0.1, dtype,
                      f", whose probabilities are {list(steps)} times 8e-7 over 1/3", tied=True)
            for more in (9e-7, 1.1e-6):                 # of two classes: the difference itself
                prior = torch.tensor([1 - more, 1 + more], dtype=torch.float64) / 2
                holds(axes, same[:2], torch.arange(2), prior, 0.1, dtype,
                      f", the second one likelier than the first by {more:g}", tied=True)
        many, d = 60, 70                                # more classes than an answer may count on
        holds(3 * torch.eye(many, d)[::30].double(), torch.eye(many, d).double().flip(0),
              torch.arange(many), torch.ones(many).double(), 0.1, dtype, ", many classes")
