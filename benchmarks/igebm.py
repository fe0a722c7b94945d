"""Energies of digits (IGEBM, Du & Mordatch 2019) over three seeds: how good their samples are, what
goes wrong without each part, what they know of images that are no digits of MNIST; and JEM.

igebm: FID of 5,000 chains of 400 steps from noise (fid, precision, recall), and of the 5,000 that
the buffer ends with (fid_buffer). The distances are on the course's own features of digits, and
compare with nothing outside; bars.py measures the bars beside them.
stuck: the share of 500 such chains with an energy above that of each test digit.
igebm_steps: the same by the number of steps from noise, on the weights of seed 0.
igebm_valley: of seed 1, of which some are stuck, 500 chains run on: stuck after so many steps;
of_400, the share of those stuck after 400 that still are; E, their mean; E_test_max: of digits.
igebm_ablation: short runs, each with one part left out; fid of 200 steps from noise, fid_buffer as
above; sure: the share of samples of which the judge of course_lib.evaluate is, p > 0.9; largest:
|E| over data and chains, at any look, 20 steps apart; gap: E(x⁻) − E(x⁺) at the end; diverged_at:
the step at which the loss was not finite, or |E| beyond 10⁴. results/igebm_curve.npz has, for each
"run seed", rows (step, E(x⁺) of 500 real digits, E(x⁻) of the last chains, largest |E|).
igebm_ood: AUROC, the share of pairs of a test digit of MNIST and another image of which the other
one's score is higher. Scores: E of IGEBM and JEM; doubt, 1 − max p(y) given x, of JEM and of a
plain classifier of the same network, data and steps; F, the free energy, of the RBM that ships.
jem: test accuracy, −log p(y) given x in nats and calibration error (Guo et al. 2017, eq. 3, 15
bins) of JEM and of that classifier; of JEM also FID, and the share of samples of class y that the
judge calls y. Seed 0 alone.
"""
import statistics
import time
from typing import NamedTuple

import numpy as np
import torch
from common import RESULTS, chosen, write
from torch import Tensor
from torch.nn import functional as nnf

from course_lib.core import Trainable, fit, load
from course_lib.data import batches, digits
from course_lib.ebm.igebm import IGEBM
from course_lib.evaluate import classify, fid, score
from course_lib.nets import ConvEnergy
from course_lib.recipes import recipes, weights
from course_lib.recipes.igebm import digits_igebm, digits_jem, train_digits

TABLES = {"igebm": [], "igebm_steps": ["steps"], "igebm_valley": ["steps"],
          "igebm_ablation": ["without"],
          "igebm_ood": ["images", "score"], "jem": ["model"]}
CURVES = RESULTS / "igebm_curve.npz"
REAL, TEST = digits(), digits(split="test")
SHORT = 600                                             # steps of a run that leaves a part out
# What is left out -> settings of the model, and of its training
LEFT_OUT = {
    "nothing": ({}, {}), "replay buffer": ({"restart": 1.0}, {}),
    "regularisation": ({"alpha": 0.0}, {}), "noise": ({"noise": 0.0}, {}),
    "many steps": ({"steps": 5}, {}), "clipping of ∂E/∂x": ({"clip": None}, {}),
    "clipping of ∂loss/∂θ": ({}, {"clip": None}),
    "regularisation, all clipping": ({"alpha": 0.0, "clip": None}, {"clip": None})}


class Run(NamedTuple):
    part: str
    seed: int


class Plain(Trainable):
    """The classifier alone: cross-entropy of the same network"""

    def __init__(self):
        super().__init__()
        self.net = ConvEnergy(10)

    def loss(self, batch, player: str) -> Tensor:
        x, y = batch
        return nnf.cross_entropy(self.net(x), y)


rng = lambda seed=0: torch.Generator().manual_seed(seed)


@torch.no_grad()
def of(model: Trainable, f, x: Tensor) -> Tensor:
    """f of x, with the averaged weights"""
    with model.averaged():
        return torch.cat([f(part) for part in x.split(1000)])


def cpu_seconds(action):
    start = time.process_time()
    return action(), time.process_time() - start


def trained(kind, seed: int):
    torch.manual_seed(seed)
    model = kind()
    history, cpu = cpu_seconds(lambda: train_digits(model, seed=seed))
    return model, {"seed": seed, "steps": history.steps, "seconds": history.seconds,
                   "cpu_seconds": cpu}


def headline(seed: int) -> None:
    model, row = trained(digits_igebm, seed)
    result = vars(score(model, REAL.images, generator=rng(seed)))
    row |= result | {"fid_buffer": fid(model.buffer.x), "stuck": stuck(model)}
    print(row, flush=True)
    write("igebm", [row], ("seed",))
    jem = joint(seed) if seed == 0 else {}
    known = {"E of IGEBM": lambda x: of(model, model.energy, x)} | jem
    rows = [{"seed": seed, "images": images, "score": name, "auroc": auroc(f(TEST.images), f(x))}
            for images, x in others(seed).items() for name, f in known.items()]
    for row in rows:
        print(row, flush=True)
    write("igebm_ood", rows, ("seed", "images", "score"))
    if seed == 0:
        steps(model)


def stuck(model) -> float:
    E = of(model, model.energy, model.sample(500, generator=rng(9)))
    return (E > of(model, model.energy, TEST.images).max()).float().mean().item()


def steps(model) -> None:
    rows, x, done = [], model.start(5000, rng()), 0
    for n in (20, 50, 100, 200, 400, 800):
        x = torch.cat([model.sample(len(part), steps=n - done, x=part, generator=rng(n))
                       for part in x.split(500)])
        done = n
        sure = classify(x).exp().amax(1) > 0.9
        rows.append({"steps": n, "seed": 0, "fid": fid(x), "sure": sure.float().mean().item(),
                     "E": of(model, model.energy, x).mean().item(),
                     "E_test": of(model, model.energy, TEST.images).mean().item()})
        print(rows[-1], flush=True)
    write("igebm_steps", rows, ("steps", "seed"))


def valley(seed: int) -> None:
    """Whether chains that end above each test digit are at rest there, or only late"""
    if seed != 1:
        return
    model, _ = trained(digits_igebm, seed)
    top, x, done, rows = of(model, model.energy, TEST.images).max(), model.start(500, rng(9)), 0, []
    for n in (400, 800, 1600):
        x = model.sample(len(x), steps=n - done, x=x, generator=rng(n))
        E, done = of(model, model.energy, x), n
        if n == 400:
            first = E > top
        rows.append({"steps": n, "seed": seed, "stuck": (E > top).float().mean().item(),
                     "of_400": (E[first] > top).float().mean().item(),
                     "E": E[first].mean().item(), "E_test_max": top.item(),
                     "sure": (classify(x[first]).exp().amax(1) > 0.9).float().mean().item()})
        print(rows[-1], flush=True)
    write("igebm_valley", rows, ("steps", "seed"))


def joint(seed: int) -> dict:
    """Scores of JEM, of the plain classifier and of the RBM; JEM's own table on the way."""
    jem, row = trained(digits_jem, seed)
    torch.manual_seed(seed)
    plain = Plain()
    _, cpu = cpu_seconds(lambda: fit(
        plain, batches(*REAL, size=64), steps=row["steps"], lr=1e-3, ema=0.995, seed=seed))
    y = torch.arange(10).repeat_interleave(100)
    x = jem.sample(1000, y=y, generator=rng(seed))
    extra = {"fid": score(jem, REAL.images, generator=rng(seed)).fid,
             "of_its_class": (classify(x).argmax(1) == y).float().mean().item()}
    logits = {"JEM": lambda x: of(jem, jem.net, x), "classifier": lambda x: of(plain, plain.net, x)}
    rows = [{"model": name, "seed": seed} | quality(f(TEST.images)) | more for (name, f), more
            in zip(logits.items(), (row | extra, {"steps": row["steps"], "cpu_seconds": cpu}))]
    keys = dict.fromkeys(key for row in rows for key in row)
    print(rows, flush=True)
    write("jem", [{key: row.get(key) for key in keys} for row in rows], ("model", "seed"))
    scores = {"E of JEM": lambda x: of(jem, jem.energy, x)}
    for name, f in logits.items():
        scores[f"doubt of {name}"] = lambda x, f=f: 1 - f(x).double().softmax(1).amax(1)
    if weights("rbm_digits").exists():
        rbm = load(recipes()["rbm_digits"].make(), weights("rbm_digits"))
        scores["F of RBM"] = lambda x: of(rbm, rbm.free_energy, (x.flatten(1) + 1) / 2)
    return scores


def quality(logits: Tensor, bins: int = 15) -> dict:
    p, guess = logits.softmax(1).max(1)
    right = (guess == TEST.labels).float()
    place = (p * bins).long().clamp(max=bins - 1)
    gaps = torch.zeros(bins).index_add(0, place, right - p).abs()
    return {"accuracy": right.mean().item(), "calibration_error": gaps.sum().item() / len(p),
            "nats": nnf.cross_entropy(logits, TEST.labels).item()}


def others(seed: int) -> dict[str, Tensor]:
    """Images that are no test digits of MNIST, (2000, 1, 28, 28) in [−1, 1] each"""
    g, x = rng(100 + seed), TEST.images
    real, n = REAL.images.flatten(1), len(TEST.images)
    factor = torch.linalg.cholesky(real.T.double().cov() + 1e-6 * torch.eye(784)).float()
    alike = real.mean(0) + torch.randn(n, 784, generator=g) @ factor.T
    grey = 2 * torch.rand(n, 1, 1, 1, generator=g) - 1
    return {"training digits": REAL.images[torch.randperm(len(REAL.images), generator=g)[:n]],
            "USPS": digits("usps", "test").images,
            "uniform noise": 2 * torch.rand(x.shape, generator=g) - 1,
            "constant": grey.expand_as(x),
            "means of two": (x + x[torch.randperm(n, generator=g)]) / 2,
            "pixels permuted": x.flatten(1)[:, torch.randperm(784, generator=g)].view_as(x),
            "Gaussian, same moments": alike.clamp(-1, 1).view_as(x),
            "negatives": -x, "upside down": x.flip(2)}


def auroc(inside: Tensor, outside: Tensor) -> float:
    """P(outside > inside) + ½ P(=)"""
    difference = outside.double()[:, None] - inside.double()
    return ((difference > 0).double() + (difference == 0).double() / 2).mean().item()


def ablation(seed: int) -> None:
    for without, change in LEFT_OUT.items():
        curve, model, cpu, failed = short(change, seed)
        wild = [row["step"] for row in curve if not row["largest"] < 1e4]
        row = {"without": without, "seed": seed, "steps": SHORT, "cpu_seconds": cpu,
               "diverged_at": wild[0] if wild else (curve[-1]["step"] if failed else None),
               "largest": max(row["largest"] for row in curve),
               "gap": statistics.mean(row["E_neg"] - row["E_pos"] for row in curve[-5:]),
               "fid": None, "fid_buffer": None, "sure": None}
        if not failed:
            x = torch.cat([model.sample(500, steps=200, generator=rng(i)) for i in range(10)])
            row |= {"fid": fid(x), "fid_buffer": fid(model.buffer.x),
                    "sure": (classify(x).exp().amax(1) > 0.9).float().mean().item()}
        print(row, flush=True)
        write("igebm_ablation", [row], ("without", "seed"))
        known = dict(np.load(CURVES)) if CURVES.exists() else {}
        table = [list(row.values()) for row in curve]
        np.savez(CURVES, **(known | {f"{without} {seed}": np.array(table, np.float32)}))


def short(change: tuple[dict, dict], seed: int) -> tuple[list[dict], IGEBM, float, bool]:
    """A run with one part left out: energies along it, the model, CPU seconds, whether it broke"""
    torch.manual_seed(seed)
    settings, training = change
    model, curve = IGEBM(ConvEnergy(1), (1, 28, 28), **settings), []
    probe = TEST.images[:500]

    @torch.no_grad()
    def look(step, model):
        if step % 20 == 0 or step == 1:
            E_pos, E_neg = model.energy(probe), model.energy(model.buffer.x[model.buffer.latest])
            curve.append({"step": step, "E_pos": E_pos.mean().item(), "E_neg": E_neg.mean().item(),
                          "largest": torch.cat([E_pos, E_neg]).abs().max().item()})

    start, failed = time.process_time(), False
    try:
        train_digits(model, steps=SHORT, seed=seed, on_step=look, **training)
    except (FloatingPointError, ValueError) as error:
        print(error, flush=True)
        failed = True
    return curve, model, time.process_time() - start, failed


PARTS = {"headline": headline, "ablation": ablation, "valley": valley}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for run in chosen([Run(part, seed) for part in PARTS for seed in range(3)], __doc__):
        PARTS[run.part](run.seed)
