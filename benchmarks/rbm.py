"""Restricted Boltzmann machines of digits, 256 hidden units, by contrastive divergence (CD-1,
CD-10) and with persistent chains (PCD): 4,000 updates each, and 1,200 of CD-10, which take as long
as 4,000 of CD-1. Three seeds.

log_p_test is in nats an image, its log Z by annealed importance sampling (AIS) with the standard
error beside it; greys are drawn as 0 or 1 once, for all. FIDs are of 1,500 pictures, a few higher
than those of 5,000: after so many steps of Gibbs sampling from noise, and from test digits.
reconstruction: squared error an image of p(v | E[h | v]) to v, of test digits, which practitioners
watched; `rbm_curve` has it over training, beside log p. Salakhutdinov & Murray 2008 report -86.34
nats on MNIST's test digits for CD-25 with 500 hidden units and six times as many digits.
"""
import time
from typing import NamedTuple

import torch
from common import chosen, write

from course_lib.data import digits
from course_lib.ebm.ais import ais, base_rate
from course_lib.ebm.rbm import RBM
from course_lib.evaluate import fid
from course_lib.recipes.rbm import DigitsRBM, digits_rbm, train_digits

TABLES = {"rbm": ["method", "updates"], "rbm_curve": ["method", "updates", "step"]}
SEEN = (100, 300, 1000, 1200, 2500, 4000)


class CD(DigitsRBM):
    """The same machine, trained by its chain from the data."""

    loss = RBM.loss


class Run(NamedTuple):
    method: str
    updates: int
    seed: int


RUNS = [Run(method, updates, seed) for seed in range(3)
        for method, updates in (("CD-1", 4000), ("PCD", 4000), ("CD-10", 1200), ("CD-10", 4000))]


def binary(split: str) -> torch.Tensor:
    x = digits(split=split).images
    return digits_rbm(1).visible(x, torch.Generator().manual_seed(0))


@torch.no_grad()
def measures(model: RBM, seed: int, betas: int) -> dict:
    estimate = ais(model, b_0=base_rate(V_TRAIN), betas=betas,
                   generator=torch.Generator().manual_seed(seed))
    log_p = lambda v: -model.free_energy(v).mean().item() - estimate.log_Z
    off = (model.p_v(model.p_h(V_TEST)) - V_TEST).square().sum(1).mean().item()
    return {"log_p_test": log_p(V_TEST), "log_p_train": log_p(V_TRAIN),
            "ais_error": estimate.error, "reconstruction": off,
            "largest_weight": model.W.abs().max().item()}


def fids(model: DigitsRBM, seed: int) -> dict:
    """Of grey pictures, the mean of the last step."""
    found, generator = {}, torch.Generator().manual_seed(seed)
    shown = lambda v: fid(model.mean(2 * v.view(-1, 1, 28, 28) - 1))
    v = (RBM.sample(model, 1500, generator=generator, steps=500).flatten(1) + 1) / 2
    found["fid_noise_500"] = shown(v)
    found["fid_noise_1000"] = shown(model.gibbs(v, 500, generator))
    found["fid_data_100"] = shown(model.gibbs(V_TEST[:1500], 100, generator))
    return found


def measured(run: Run) -> None:
    torch.manual_seed(run.seed)
    model = digits_rbm() if run.method == "PCD" else CD(256, int(run.method.split("-")[1]))
    key, curve = {"method": run.method, "updates": run.updates}, []

    def see(step: int, model: DigitsRBM) -> None:
        nonlocal spent
        if step in SEEN:
            start = time.process_time()
            curve.append(key | {"step": step, "seed": run.seed, **measures(model, run.seed, 500)})
            spent += time.process_time() - start

    start, spent = time.process_time(), 0.0
    train_digits(model, steps=run.updates, seed=run.seed, on_step=see)
    seconds = time.process_time() - start - spent
    write("rbm_curve", curve, ("method", "updates", "step", "seed"))
    row = key | {"seed": run.seed, "cpu_seconds": seconds} | measures(model, run.seed, 2000)
    row |= fids(model, run.seed)
    print(row, flush=True)
    write("rbm", [row], ("method", "updates", "seed"))


if __name__ == "__main__":
    runs = chosen(RUNS, __doc__)
    V_TRAIN, V_TEST = binary("train"), binary("test")
    for run in runs:
        measured(run)
