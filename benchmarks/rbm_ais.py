"""log Z by annealed importance sampling (AIS) where enumeration can check it, and where it can't.

`rbm_ais_exact`: machines of 10, 15 and 20 hidden units, trained on digits for 2,000 updates with
persistent chains, three seeds; AIS with 1,000 temperatures and 100 runs. off_in_errors: AIS minus
exact, in its own standard errors; one of nine is 4 errors low, for the error knows only what the
runs saw. `rbm_ais_spread`: the machine of 256 hidden units that ships (one machine; the seeds are
of AIS), by number of temperatures and runs; std_log_w: of the runs. With few temperatures log Z is
too low, so that log p looks too good, and the error does not tell. `rbm_enumeration`: what the
exact sum costs, by hidden units, one run.
"""
import time
from typing import NamedTuple

import torch
from common import chosen, write
from rbm import binary

from course_lib.core import load
from course_lib.ebm.ais import ais, base_rate
from course_lib.ebm.rbm import RBM
from course_lib.recipes import weights
from course_lib.recipes.rbm import digits_rbm, train_digits

TABLES = {"rbm_ais_exact": ["hidden_units"], "rbm_ais_spread": ["temperatures", "runs_of_ais"],
          "rbm_enumeration": ["hidden_units"]}


class Run(NamedTuple):
    part: str
    seed: int


RUNS = [*(Run(part, seed) for part in ("exact", "spread") for seed in range(3)),
        Run("enumeration", 0)]


@torch.no_grad()
def log_p(model: RBM, log_Z: float) -> float:
    return -model.free_energy(V_TEST.to(model.W)).mean().item() - log_Z


def exact(seed: int) -> list[dict]:
    rows = []
    for n_h in (10, 15, 20):
        torch.manual_seed(seed)
        model = digits_rbm(n_h)
        train_digits(model, steps=2000, seed=seed)
        model.double()
        estimate = ais(model, b_0=B_0, betas=1000, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            log_Z = model.log_Z().item()
        rows.append({"hidden_units": n_h, "seed": seed, "log_Z": log_Z, "ais": estimate.log_Z,
                     "ais_error": estimate.error,
                     "off_in_errors": (estimate.log_Z - log_Z) / estimate.error,
                     "log_p_test": log_p(model, log_Z), "ais_log_p": log_p(model, estimate.log_Z)})
    return rows


def spread(seed: int) -> list[dict]:
    model, rows = load(digits_rbm(), weights("rbm_digits")), []
    for betas, runs in (*((betas, 100) for betas in (10, 30, 100, 300, 1000, 3000, 10_000)),
                        (1000, 10)):
        start, generator = time.process_time(), torch.Generator().manual_seed(seed)
        estimate = ais(model, b_0=B_0, betas=betas, runs=runs, generator=generator)
        rows.append({"temperatures": betas, "runs_of_ais": runs, "seed": seed,
                     "log_Z": estimate.log_Z, "ais_error": estimate.error,
                     "std_log_w": estimate.log_w.std().item(),
                     "log_p_test": log_p(model, estimate.log_Z),
                     "cpu_seconds": time.process_time() - start})
    return rows


@torch.no_grad()
def enumeration(seed: int) -> list[dict]:
    rows = []
    for n_h in range(8, 21, 2):
        torch.manual_seed(seed)
        model, start = digits_rbm(n_h), time.process_time()
        model.log_Z()
        rows.append({"hidden_units": n_h, "states": 2**n_h,
                     "cpu_seconds": time.process_time() - start})
    return rows


if __name__ == "__main__":
    runs = chosen(RUNS, __doc__)
    B_0, V_TEST = base_rate(binary("train")), binary("test")
    for part, seed in runs:
        rows = {"exact": exact, "spread": spread, "enumeration": enumeration}[part](seed)
        keys = {"exact": ("hidden_units", "seed"), "enumeration": ("hidden_units",),
                "spread": ("temperatures", "runs_of_ais", "seed")}[part]
        write("rbm_enumeration" if part == "enumeration" else f"rbm_ais_{part}", rows, keys)
        print(*rows, sep="\n", flush=True)
