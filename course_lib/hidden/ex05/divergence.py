"""The facts of the expected update of contrastive divergence, enumerated."""
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_results, expect_tensor
from course_lib.checks.facts.draws import probabilities, seeded
from course_lib.checks.facts.same import BOTH
from course_lib.hidden.ex05.machine import Machine, all_of, levels

CD_HINT = ("<v h> under the data's law minus <v h> under the chain's, sum_k w_k p_0 K^k, with "
           "K(v, v') = sum_h p(h | v) p(v' | h) and p(h | v) at both ends.")


class Chain(NamedTuple):
    """Of a machine of tables: what its chain's update is, state by state."""

    dW: Tensor
    db: Tensor
    dc: Tensor


def summed_up(V: Tensor, H: Tensor, W: Tensor, b: Tensor, c: Tensor, p_0: Tensor,
              w: Tensor) -> Chain:
    """Over all pairs of states, in the law after each number of steps."""
    E = torch.tensor([[-(v @ W @ h) - b @ v - c @ h for h in H] for v in V], dtype=torch.float64)
    h_given_v = torch.exp(-(E - E.amin(1, keepdim=True)))
    h_given_v = h_given_v / h_given_v.sum(1, keepdim=True)
    v_given_h = torch.exp(-(E - E.amin(0)))
    v_given_h = v_given_h / v_given_h.sum(0)
    difference, law = p_0.clone(), p_0
    for k, chance in enumerate(w.tolist()):
        if k:
            pairs = h_given_v * law[:, None]
            law = (v_given_h * pairs.sum(0)).sum(1)
        difference = difference - chance * law
    dW, db, dc = (torch.zeros_like(t) for t in (W, b, c))
    for i, v in enumerate(V):
        for j, h in enumerate(H):
            chance = difference[i] * h_given_v[i, j]
            dW, db, dc = dW + chance * torch.outer(v, h), db + chance * v, dc + chance * h
    return Chain(dW, db, dc)


def check_cd_update(cd_update, seed: int = 0) -> None:
    rng = seeded(seed)

    def holds(V: Tensor, H: Tensor, w: Tensor, dtype: torch.dtype, scale: float = 1.0,
              what: str = "", p_0: Tensor | None = None, machine: Machine | None = None) -> None:
        machine = machine or Machine.draw(rng, V.shape[1], H.shape[1], scale)
        p_0 = probabilities(rng, len(V), dtype=torch.float64) if p_0 is None else p_0
        given = [t.to(dtype) for t in (V, H, *machine, p_0, w)]
        right = summed_up(*(t.double() for t in given))
        got = expect_results(call(cd_update, *given), "dW, db, dc", 3)
        for name, a, b, size in zip(Chain._fields, got, right,
                                    (V.abs().max() * H.abs().max(), V.abs().max(), H.abs().max())):
            tolerance = 2e-5 if dtype == torch.float32 else 1e-10 * max(1, scale / 1e3)
            expect_tensor(name, a, tuple(b.shape), dtype, CD_HINT)
            expect_close(f"{name} of {len(V)} visible states of {V.shape[1]} units and {len(H)} "
                         f"hidden ones of {H.shape[1]}, w = {w.tolist()[:4]}, parameters of size "
                         f"{scale:g}{what}", a, b, CD_HINT, rtol=tolerance,
                         atol=tolerance * size.clamp(min=1e-30).item(), dtype=dtype)

    table = lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng)
    steps = lambda K, at: torch.eye(K + 1, dtype=torch.float64)[at]
    for dtype in BOTH:
        mixed = probabilities(rng, 5, dtype=torch.float64)
        lo, hi = levels(rng)[0]
        units = all_of((-1.0, 1.0), 3), all_of((lo, hi), 2)
        for w in (steps(0, 0), steps(1, 1), steps(1, 0), steps(3, 2), steps(6, 6), mixed,
                  torch.tensor([0.5, 0.0, 0.5]).double()):
            holds(*units, w, dtype)
        order = torch.randperm(8, generator=rng)
        holds(units[0][order], units[1].flip(0), mixed, dtype, what=", rows in another order")
        # Not all combinations occur, and levels of any size.
        for V, H in ((table(5, 3), table(4, 2)), (table(1, 2), table(3, 1)),
                     (table(3, 1), table(1, 1)), (table(1, 1), table(1, 3)),
                     (units[0][:5], torch.eye(3, dtype=torch.float64)), (table(4, 4), table(4, 4))):
            holds(V, H, mixed[:3] / mixed[:3].sum(), dtype, what=", not all combinations")
        holds(*units, mixed, dtype, scale=1e-3)
        holds(*units, mixed, dtype, p_0=steps(7, 5), what=", data in one state")
        small = 10.0 ** -torch.arange(8, dtype=torch.float64)     # 1, 1e-1, ... 1e-7: none is 0
        small = (small / small.sum())[torch.randperm(8, generator=rng)]
        holds(*units, small.sort(descending=True)[0], dtype, what=", rare numbers of steps")
        holds(*units, mixed, dtype, p_0=small, what=", rare states")
        V, H = units
        one = Machine.draw(rng, 3, 2)
        E = -(V @ one.W @ H.T) - (V @ one.b)[:, None] - H @ one.c
        model = torch.softmax(torch.logsumexp(-E, 1), 0)
        holds(*units, mixed, dtype, machine=one, p_0=model, what=", data that have the model's law")
    for scale in (1e2, 1e4):
        holds(*units, mixed, torch.float64, scale=scale)
    for size in (1e-4, 1e-2, 1e2, 1e4):
        holds(size * units[0], units[1] / size, mixed, torch.float64, what=", sizes apart",
              machine=Machine(table(3, 2), table(3) / size, table(2) * size))
    holds(100 * units[0], 100 * units[1], mixed, torch.float64, what=", levels of size 100",
          machine=Machine(table(3, 2) / 1e4, table(3) / 100, table(2) / 100))
    holds(*units, probabilities(rng, 40, dtype=torch.float64), torch.float64)
    many = torch.full((200,), 5e-9, dtype=torch.float64)
    holds(*units, torch.cat([1 - many.sum()[None], many]), torch.float64,
          what=", many small probabilities")
