"""Contrastive divergence is biased: its expected update, summed over all states, beside the
gradient of log p. Bars and stripes of 3 by 3 pixels, each flipped with probability 0.05. Three
seeds, float64.

`rbm_bias`: cosine of the update with the gradient and ratio of their lengths, at random machines of
eight hidden units and weights of that standard deviation, and on the way of exact maximum
likelihood after so many steps. second_eigenvalue: of the Gibbs chain; near 1 it forgets slowly.
`rbm_fixed_points`: where training by the expected update ends, from the maximum of the likelihood
and from random weights; log_p of the data in nats (-4.26 at most: minus their entropy), and how
much less that is than maximum likelihood reached from there (in the same 3,000 steps; its weights
go on to infinity, so that 0.0003 nats are within what it would still gain).
"""
from typing import NamedTuple

import torch
from common import chosen, write
from torch import Tensor

from course_lib.ebm.contrastive_divergence import expected_update, gibbs_kernel
from course_lib.ebm.rbm import RBM, states

TABLES = {"rbm_bias": ["weights", "size", "k"],
          "rbm_fixed_points": ["hidden_units", "start", "k"]}
KS = (1, 2, 5, 10, 50)
STEPS = 3000


class Run(NamedTuple):
    part: str
    hidden_units: int
    seed: int


RUNS = [Run(part, n_h, seed) for seed in range(3)
        for part, n_h in (("bias", 8), ("fixed points", 2), ("fixed points", 4))]


def law(flips: float = 0.05) -> Tensor:
    """Probabilities of the 512 pictures, rows as in `states`."""
    v = states(9, torch.zeros(1, dtype=torch.float64))
    lines = states(3, v).repeat_interleave(3, 1)
    lines = torch.cat([lines, lines.view(8, 3, 3).mT.reshape(8, 9)])
    wrong = torch.cdist(v, lines, p=1)
    return (flips**wrong * (1 - flips) ** (9 - wrong)).mean(1)


P_0 = law()


def machine(n_h: int, scale: float, seed: int) -> RBM:
    model, generator = RBM((1, 3, 3), n_h).double(), torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.data = scale * torch.randn(parameter.shape, generator=generator).double()
    return model


def train(model: RBM, k: int | None, seen: tuple[int, ...] = ()) -> dict[int, RBM]:
    """Adam on the expected update, at a rate that falls to 0. Copies of the machine at `seen`."""
    adam, copies = torch.optim.Adam(model.parameters(), lr=0.02), {}
    for step in range(1, STEPS + 1):
        for name, update in expected_update(model, P_0, k).items():
            getattr(model, name).grad = -update
        adam.param_groups[0]["lr"] = 0.02 * (1 - (step - 1) / STEPS)
        adam.step()
        if step in seen:
            copies[step] = copied(model)
    return copies


def copied(model: RBM) -> RBM:
    copy = RBM(model.shape, len(model.c)).double()
    copy.load_state_dict(model.state_dict())
    return copy


def flat(update: dict[str, Tensor]) -> Tensor:
    return torch.cat([part.flatten() for part in update.values()])


@torch.no_grad()
def log_p(model: RBM) -> float:
    return (P_0 @ torch.log_softmax(-model.free_energy(states(9, model.W)), 0)).item()


def bias(run: Run) -> None:
    scales = {f"{scale:g}": machine(run.hidden_units, scale, run.seed)
              for scale in (0.1, 0.3, 1.0, 2.0, 3.0)}
    way = train(machine(run.hidden_units, 0.1, run.seed), None, (10, 100, 300, 1000, STEPS))
    rows = []
    for kind, machines in (("random, of std", scales), ("trained, steps", way)):
        for size, model in machines.items():
            gradient = flat(expected_update(model, P_0, None))
            second = torch.linalg.eigvals(gibbs_kernel(model)).abs().sort().values[-2].item()
            for k in KS:
                update = flat(expected_update(model, P_0, k))
                cosine = torch.cosine_similarity(update, gradient, 0).item()
                rows.append({"weights": kind, "size": size, "k": k, "seed": run.seed,
                             "cosine": cosine, "length": (update.norm() / gradient.norm()).item(),
                             "gradient": gradient.norm().item(), "second_eigenvalue": second,
                             "log_p": log_p(model)})
    write("rbm_bias", rows, ("weights", "size", "k", "seed"))


def fixed_points(run: Run) -> None:
    best = machine(run.hidden_units, 0.1, run.seed)
    train(best, None)
    train(best, None)
    rows = []
    for start in ("maximum", "random"):
        reached = log_p(best)
        for k in (None, *KS[:4]):
            model = copied(best) if start == "maximum" else machine(run.hidden_units, 0.1, run.seed)
            train(model, k)
            if k is None:
                reached = log_p(model)
            rows.append({"hidden_units": run.hidden_units, "start": start, "k": k or "gradient",
                         "seed": run.seed, "log_p": log_p(model), "lost": reached - log_p(model),
                         "update_left": flat(expected_update(model, P_0, k)).norm().item(),
                         "largest_weight": model.W.abs().max().item()})
            print(rows[-1], flush=True)
    write("rbm_fixed_points", rows, ("hidden_units", "start", "k", "seed"))


if __name__ == "__main__":
    for run in chosen(RUNS, __doc__):
        (bias if run.part == "bias" else fixed_points)(run)
