"""A collapse of the BigGAN on digits, caught and taken back: without spectral normalisation, with
the hinge loss and a rate of 1e-2, the samples become one picture; the monitor stops the run, goes
back to the last healthy weights, and goes on with a lower rate. One seed.
"""
import torch
from common import write
from torch.nn.utils import parametrize

from course_lib.data import batches, digits
from course_lib.gan.biggan import BigGAN
from course_lib.gan.collapse import CollapseMonitor, fit_with_restarts
from course_lib.nets import orthogonal
from course_lib.recipes.biggan import digits_biggan

TABLES = {"biggan_collapse": ["part"]}
STEPS, RATE, FACTOR = 400, 1e-2, 0.1


def without_spectral_norm(model: BigGAN) -> BigGAN:
    """The same model with plain weights, orthogonal at the start."""
    for layer in model.modules():
        if parametrize.is_parametrized(layer):
            parametrize.remove_parametrizations(layer, "weight")
    orthogonal(model)
    return model


def collapsing() -> BigGAN:
    torch.manual_seed(0)
    return without_spectral_norm(digits_biggan())


if __name__ == "__main__":
    data = digits()
    monitor = CollapseMonitor(torch.arange(10), every=20)
    histories = fit_with_restarts(
        collapsing(), batches(data.images, data.labels, size=32), monitor, steps=STEPS,
        lr={"D": RATE, "G": RATE}, factor=FACTOR, betas=(0.0, 0.99))
    part, rows = 0, []
    for row in monitor.rows:
        rows.append({"part": part, "rate": RATE * FACTOR ** part} | row)
        part += not row["healthy"]
    write("biggan_collapse", rows)
    for row in rows:
        print(row)
    print([(history.steps, history.interrupted) for history in histories])
