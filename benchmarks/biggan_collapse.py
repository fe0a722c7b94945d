"""A collapse of the BigGAN on digits, caught and taken back. One seed.

Without spectral normalisation, 160 steps at a rate of 3e-3 are healthy. Then the rate is ten times
as large. "watched": the monitor stops the run, goes back to the last healthy weights, and goes on
with the lower rate. "unwatched": the same run without it.
"""
import copy

import torch
from common import write

from course_lib.core import fit
from course_lib.data import batches, digits
from course_lib.gan.collapse import CollapseMonitor, fit_with_restarts
from course_lib.nets import without_spectral_norm
from course_lib.recipes.biggan import digits_biggan

TABLES = {"biggan_collapse": ["run", "rate", "healthy"]}
HEALTHY, STEPS, RATE, FACTOR = 160, 400, 3e-2, 0.1


if __name__ == "__main__":
    torch.manual_seed(0)
    model = without_spectral_norm(digits_biggan())
    monitor = CollapseMonitor(torch.arange(10), every=20)
    data = batches(*digits(), size=32)
    slow, fast = ({"D": rate, "G": rate} for rate in (FACTOR * RATE, RATE))
    settings = {"betas": (0.0, 0.99), "seed": 1}
    fit(model, data, steps=HEALTHY, lr=slow, on_step=monitor, betas=(0.0, 0.99))
    alone, nothing = copy.deepcopy((model, monitor))
    nothing.least, nothing.most = 0.0, float("inf")
    fit_with_restarts(model, data, monitor, steps=STEPS, lr=fast, factor=FACTOR, **settings)
    fit_with_restarts(alone, data, nothing, steps=STEPS, lr=fast, restarts=0, **settings)
    rows, restarts = [], 0
    for row in monitor.rows:
        rate = slow["G"] if row["step"] <= HEALTHY else RATE * FACTOR ** restarts
        rows.append({"run": "watched", "rate": rate} | row)
        restarts += not row["healthy"]
    for row in nothing.rows[HEALTHY // 20:]:
        rows.append({"run": "unwatched", "rate": RATE} | row | {"healthy": "not judged"})
    write("biggan_collapse", rows)
    for row in rows:
        print({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()})
