"""The facts of patches: what a unit sees, and a loss over those that count."""
import math

import torch
from torch import Tensor

from course_lib.checks import call, expect_results
from course_lib.checks.facts.draws import seeded
from course_lib.checks.facts.same import BOTH, same

FIELD_HINTS = {
    "size": "A layer adds d (k - 1) times the jump from before it.",
    "jump": "Strides multiply, and nothing else changes the jump.",
    "start": "Each padding moves it up by p times the jump from before that layer.",
}


def seen(layers: list, unit: int, i: int) -> tuple[int, int]:
    """The first and the last pixel that a unit sees in one direction, from the top down."""
    first = last = unit
    for layer in reversed(layers):
        kernel, stride, padding, dilation = (pair[i] for pair in layer)
        first = first * stride - padding
        last = last * stride - padding + (kernel - 1) * dilation
    return first, last


def check_receptive_field(receptive_field, seed: int = 0) -> None:
    rng = seeded(seed)
    pick = lambda low, high: int(torch.randint(low, high + 1, (), generator=rng))
    pair = lambda low, high: (pick(low, high), pick(low, high))
    one, none = (1, 1), (0, 0)
    stacks = [[], [(one, one, none, one)], [((4, 4), (2, 2), one, one)] * 3]
    stacks += [[(one, one, (2, 5), one)], [(one, (3, 2), none, one)], [((3, 2), one, none, (2, 7))],
               [((2, 3), (5, 4), (0, 3), one), ((3, 4), one, (2, 0), (3, 2))],
               [((3, 2), (3, 5), (1, 2), (1, 3))] * 60, [((2, 1), one, (1, 0), one)] * 3000]
    stacks += [[(pair(1, 5), pair(1, 3), pair(0, 3), pair(1, 4)) for _ in range(depth)]
               for depth in (1, 2, 2, 3, 4, 6, 9, 90)]
    for layers in stacks:
        results = expect_results(call(receptive_field, layers), "size, jump and start", 3)
        asked = f"of {len(layers)} layers" + f" {layers}" * (len(layers) < 7)
        for name, result in zip(FIELD_HINTS, results):
            assert isinstance(result, tuple | list) and len(result) == 2, (
                f"the {name} {asked}: expected a pair (rows, columns), got {result!r}.")
            for i, direction in enumerate(("rows", "columns")):
                zero, last = seen(layers, 0, i)
                expected = {"size": last - zero + 1, "jump": seen(layers, 1, i)[0] - zero,
                            "start": zero}[name]
                got = result[i]
                assert isinstance(got, int) and not isinstance(got, bool), (
                    f"the {name} {asked}: expected Python's whole numbers, got {got!r}, a "
                    f"{type(got).__name__}.")
                assert got == expected, (
                    f"the {name} {asked}, in the direction of the {direction}: expected "
                    f"{expected}, got {got}. {FIELD_HINTS[name]}")


def of_pictures(logit: Tensor, valid: Tensor, label: int) -> Tensor:
    """The mean of the losses of all pictures with a patch that counts."""
    losses = []
    for one, counts in zip(logit, valid):
        if counts.any():
            right = one[counts] if label else -one[counts]       # the logit of the right answer
            losses.append(torch.logaddexp(torch.zeros_like(right), -right).mean())
    return torch.stack(losses).mean()


def halves(real: Tensor, fake: Tensor, valid_real: Tensor, valid_fake: Tensor) -> Tensor:
    return (of_pictures(real, valid_real, 1) + of_pictures(fake, valid_fake, 0)) / 2


def masked(rng: torch.Generator, share: float, *shape: int) -> Tensor:
    """A mask of which some pictures may have nothing; in the first one something counts."""
    mask = torch.rand(shape, generator=rng) < share
    mask.flatten()[0] = True
    if shape[0] > 2:
        mask[1] = False
    return mask


def check_patch_loss(patch_loss, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=rng)
    hint = ("A mean over the patches of a picture that count, a mean over the pictures that have "
            "some, and half of both together; from logits, with a function that is stable.")
    cases = []
    for (n, m, size, other), share, scale in (
            ((1, 1, (1, 1), (1, 1)), 1.0, 1.0), ((3, 2, (2, 3), (4, 1)), 0.5, 3.0),
            ((4, 6, (1, 5), (3, 3)), 0.3, 1e-3), ((12, 3, (5, 4), (1, 2)), 0.7, 2.0),
            ((2, 13, (6, 6), (2, 7)), 0.9, 4.0), ((3, 1, (1, 1), (8, 2)), 1.0, 1.0)):
        cases.append((scale * draw(n, 1, *size), scale * draw(m, 1, *other),
                      masked(rng, share, n, 1, *size), masked(rng, share, m, 1, *other)))
    lone = torch.zeros(2, 1, 16, 16).bool()
    lone[0, 0, 3, 5] = lone[1, 0] = True
    cases.append((draw(2, 1, 16, 16), draw(2, 1, 16, 16), lone, lone.flip(0)))
    right = torch.tensor([1e4, -3.0, 2e3]).double().reshape(3, 1, 1, 1)    # two cost nothing
    cases.append((right, -right, torch.ones(3, 1, 1, 1).bool(), torch.ones(3, 1, 1, 1).bool()))
    far = torch.tensor([1e4, -1e4, 300.0, -300.0, 90.0, -90.0, 17.0, -17.0, 0.5]).double()
    order = torch.randperm(9, generator=rng)
    cases.append((far[order].reshape(3, 1, 1, 3), far.reshape(1, 1, 3, 3),
                  torch.ones(3, 1, 1, 3).bool(), torch.ones(1, 1, 3, 3).bool()))
    cases.append((far[2:3].reshape(1, 1, 1, 1), -far[0:1].reshape(1, 1, 1, 1),
                  torch.ones(1, 1, 1, 1).bool(), torch.ones(1, 1, 1, 1).bool()))
    undecided = torch.tensor([0.0, 2.0, 0.0, -1.0]).double().reshape(2, 1, 1, 2)
    whole = torch.ones(2, 1, 1, 2).bool()
    cases += [(0 * undecided, 0 * undecided, whole, whole), (undecided, -undecided, whole, whole)]
    for dtype in BOTH:
        for real, fake, valid_real, valid_fake in cases:
            junk = [math.nan, math.inf, -math.inf, 1e30]
            real, fake = real.to(dtype), fake.to(dtype)
            for rubbish in (False, True):
                args = (real.clone(), fake.clone(), valid_real, valid_fake)
                for logit, valid in ((args[0], valid_real), (args[1], valid_fake)):
                    if rubbish and not valid.all():
                        at = ~valid
                        logit[at] = torch.tensor(junk * at.numel(), dtype=dtype)[:int(at.sum())]
                n, m = len(real), len(fake)
                same(patch_loss, halves, args, ("the loss",), hint, wrt=(0, 1), slope=0.05,
                     what=f" of {n} real and {m} generated pictures"
                          + ", with inf and NaN where nothing counts" * rubbish)
    for logit in (-19.5, -21.0):
        sure = torch.full((2, 1, 2, 2), logit, dtype=torch.float64)
        full = torch.ones(2, 1, 2, 2).bool()
        same(patch_loss, halves, (-sure, sure, full, full), ("the loss",), hint,
             what=f" where D is right and sure, with logits of {logit:g}", tolerance=1e-4)
