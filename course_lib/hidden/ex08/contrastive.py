"""The facts of a contrastive loss whose pictures and captions share contents, both in numbers."""
import torch
from torch import Tensor

from course_lib.checks import call, expect_close
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH

HINT = ("Cosines divided by tau. Each picture has a softmax over all captions, and each caption "
        "one over all pictures; what fits shares the target equally. KL(target || softmax), a mean "
        "over the pictures times weight plus a mean over the captions times 1 - weight.")


def divergence(logits: Tensor, fits: Tensor) -> Tensor:
    """KL(u ‖ softmax(logits)) of one row, u uniform on what fits: ()."""
    top = logits.max().detach()
    total = top + (logits - top).exp().sum().log()
    chosen = logits[fits]
    return (total - chosen).mean() - torch.tensor(float(len(chosen)), dtype=logits.dtype).log()


def row_by_row(z_i: Tensor, z_t: Tensor, i: Tensor, t: Tensor, tau: Tensor,
               weight: float) -> Tensor:
    unit_i = z_i / z_i.square().sum(1, keepdim=True).sqrt()
    unit_t = z_t / z_t.square().sum(1, keepdim=True).sqrt()
    pictures = [divergence(unit_t @ unit_i[a] / tau, t == i[a]) for a in range(len(i))]
    captions = [divergence(unit_i @ unit_t[b] / tau, i == t[b]) for b in range(len(t))]
    return weight * sum(pictures) / len(i) + (1 - weight) * sum(captions) / len(t)


def contents(rng: torch.Generator, n: int, m: int, groups: int) -> tuple[Tensor, Tensor]:
    """Numbers of contents, each of which has a picture and a caption, in any order: neighbours,
    which are one in floats, far from 0 or around it, or numbers whose last 32 bits are the same."""
    first, step = ((torch.randint(-2**62, 2**62, (), generator=rng), 1), (-(groups // 2), 1),
                   (torch.randint(-2**40, 2**40, (), generator=rng), 2**32))[
                       torch.randint(3, (), generator=rng)]
    numbers = first + step * torch.randperm(groups, generator=rng)

    def spread(many: int) -> Tensor:
        which = torch.cat([torch.arange(groups),
                           torch.randint(groups, (many - groups,), generator=rng)])
        return numbers[which[torch.randperm(many, generator=rng)]]
    return spread(n), spread(m)


def check_contrastive_loss(contrastive_loss, seed: int = 0) -> None:
    rng = seeded(seed)
    some = uniform(rng, low=0.2, high=0.4).item()

    def holds(n: int, m: int, d: int, groups: int, tau: float, weight: float, dtype: torch.dtype,
              lengths: tuple[float, float] = (1.0, 1.0), wrt: tuple[int, ...] = (),
              good: bool = False) -> None:
        i, t = contents(rng, n, m, groups)
        if good:                                     # what fits has nearly one direction
            kinds = dict(zip(i.tolist(), torch.randn(n, d, dtype=torch.float64, generator=rng)))
            z_i, z_t = (torch.stack([kinds[key] for key in ids.tolist()]) for ids in (i, t))
            z_i = z_i + 0.1 * torch.randn(n, d, dtype=torch.float64, generator=rng)
        else:
            z_i, z_t = (torch.randn(k, d, dtype=torch.float64, generator=rng) for k in (n, m))
        z_i, z_t = (torch.nn.functional.normalize(z, dim=1) for z in (z_i, z_t))
        spread = [10 ** uniform(rng, k, 1, low=-0.5, high=0.5) for k in (n, m)]
        args = [z_i * spread[0] * lengths[0], z_t * spread[1] * lengths[1], i, t,
                torch.tensor(tau, dtype=torch.float64), weight]
        args = [arg.to(dtype) if isinstance(arg, Tensor) and arg.is_floating_point() else arg
                for arg in args]
        what = (f" of {n} pictures and {m} captions of {groups} contents, d = {d}, tau = {tau:g}, "
                f"weight = {weight:.3g}, lengths of about {lengths[0]:g} and {lengths[1]:g}")
        precise = [arg.double() if isinstance(arg, Tensor) and arg.is_floating_point() else arg
                   for arg in args]
        for k in wrt:
            precise[k].requires_grad_()
        expected = row_by_row(*precise)
        tolerance = 1e-10 if dtype == torch.float64 else 1e-5
        got = call(contrastive_loss, *args)
        expect_close(f"the loss{what}", got, expected.detach(), HINT, rtol=tolerance,
                     atol=tolerance * max(1.0, 1 / tau), dtype=dtype)
        for k in wrt:
            name = ("z_i", "z_t", "", "", "tau")[k]
            right, = torch.autograd.grad(expected, precise[k], retain_graph=True)
            _, slope = call(contrastive_loss, *args, wrt=k)
            size = {0: 1 / (tau * lengths[0]), 1: 1 / (tau * lengths[1]), 4: tau**-2}[k]
            least = max(1.0, 1 / tau)                # what rounding of logits does to probabilities
            expect_close(f"the gradient in {name}{what}", slope, right, HINT, rtol=tolerance,
                         atol=tolerance * size * least, dtype=dtype)

    for dtype in BOTH:
        every = (0, 1, 4)
        for n, m, d, groups in ((1, 1, 3, 1), (1, 1, 1, 1), (4, 4, 5, 4), (5, 5, 3, 2),
                                (3, 6, 4, 3), (6, 2, 3, 2), (4, 7, 1, 2), (1, 4, 2, 1),
                                (5, 1, 2, 1), (4, 5, 3, 1), (6, 8, 4, 3)):
            holds(n, m, d, groups, 0.1 + uniform(rng).item(), some, dtype, wrt=every)
        for weight in (0.0, 1.0, 0.5, 1 - some):
            holds(4, 6, 3, 2, 0.2, weight, dtype, wrt=(0, 1))
        for tau in (1e-4, 1e-2, 1.0, 1e2, 1e4):
            holds(4, 5, 4, 3, tau, some, dtype, wrt=every)
            holds(4, 6, 4, 4, tau, 1 - some, dtype, good=True)
        for lengths in ((1e-2, 30.0), (300.0, 3e-3), (1e-2, 1e-2), (300.0, 300.0)):
            holds(3, 5, 4, 2, 0.3, some, dtype, lengths, wrt=every)
    holds(24, 32, 16, 20, 0.05, some, torch.float32, good=True)
