"""One shared latent against a pair of maps for each two domains: UNIT and CycleGANs of the same
three domains of digits, course_lib.recipes.unit.domains.

efficiency: UNIT: recipes/unit.py, 32 pictures a domain a step. CycleGANs: one for each two domains,
as recipes/cyclegan.py trains them, 16 pictures a domain a step, so that each domain gives 32 too;
that of MNIST and USPS is the one of that file, those with "pen" paint the whole picture anew. UNIT
takes 300 steps (the shipped weights: 2,000). "UNIT, nothing shared": the same losses, and an E, a
G and a D of its own for each domain.
"equal steps": each CycleGAN takes as many as UNIT; "equal seconds": as many as take the three
together the CPU seconds that UNIT took. "UNIT's layers": each map is UNIT's E and then G, each
judge its D, of one domain each, and nothing is shared. parameters_use: encoders and
generators, or maps; parameters_all: with discriminators. cpu_seconds: of training, all models of
the row together, one thread; per_1000: CPU seconds to translate 1,000 pictures. kept, distance:
means over the six ordered pairs of efficiency_pairs; worst_kept: the least of them.
efficiency_pairs: kept: the share of 1,000 test pictures whose translation course_lib.evaluate reads
as the label of the picture. distance: Fréchet distance of these translations to the target's
training pictures, to be compared within one target. Both are taken of −x for "pen", so that digits
are bright. "real" is no translation: 1,000 test pictures of the target itself.
efficiency_count: parameters for n domains, counted on the models themselves: a CycleGAN for each of
the n (n − 1)/2 pairs; "layers" are those of UNIT's layers.
"""
import csv
import itertools
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from common import RESULTS, chosen, write
from torch import Tensor, nn

from course_lib.evaluate import classify, features, frechet_distance, parameters
from course_lib.gan.cyclegan import CycleGAN
from course_lib.gan.unit import UNIT
from course_lib.nets import CoupledD, CoupledE, CoupledG, ResnetG
from course_lib.recipes.cyclegan import MODELS, train_on
from course_lib.recipes.unit import DOMAINS, domains, train, unit

TABLES = {"efficiency": ["method"], "efficiency_pairs": ["method", "source", "target"],
          "efficiency_count": ["n"]}
STEPS = 300
METHODS = ("UNIT", "UNIT, nothing shared", "CycleGANs, equal steps", "CycleGANs, equal seconds",
           "CycleGANs of UNIT's layers, equal steps")
PAIRS = list(itertools.permutations(range(3), 2))


class Run(NamedTuple):
    table: str
    method: str
    seed: int


class PaintingG(ResnetG):
    """c alone, without a mask, as in the paper: black on white has nothing to keep."""

    def forward(self, x: Tensor) -> Tensor:
        return self.painted(x)[0]


class Apart(nn.Module):
    """A network of each domain's own, with UNIT's call (x, k) or (z, k)."""

    def __init__(self, net: Callable[[int], nn.Module]):
        super().__init__()
        self.of = nn.ModuleList(net(1) for _ in DOMAINS)

    def forward(self, x: Tensor, k: int) -> Tensor:
        return self.of[k](x, 0)


class MapG(nn.Module):
    """G(E(x)), UNIT's layers of one domain."""

    def __init__(self):
        super().__init__()
        self.E, self.G = CoupledE(1), CoupledG(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.G(self.E(x, 0), 0)


class JudgeD(CoupledD):
    """UNIT's D of one domain."""

    def __init__(self):
        super().__init__(1)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x, 0)


def unit_apart() -> UNIT:
    D = Apart(CoupledD).to(memory_format=torch.channels_last)
    return UNIT(Apart(CoupledE), Apart(CoupledG), D, unit().lam)


def cyclegan_of_layers() -> CycleGAN:
    return CycleGAN(MapG(), MapG(), JudgeD(), JudgeD(), lam=2.0)


class CycleGANs:
    """A CycleGAN for each two domains, X the one of the smaller number."""

    def __init__(self, seed: int, layers: bool):
        self.models: dict[tuple[int, int], CycleGAN] = {}
        for pair in itertools.combinations(range(3), 2):
            torch.manual_seed(seed)
            pen = "pen" in (DOMAINS[k] for k in pair)
            self.models[pair] = (cyclegan_of_layers() if layers else
                                 MODELS["digits"](net=PaintingG) if pen else MODELS["digits"]())

    def train(self, steps: int, seed: int) -> None:
        data = domains()
        for (i, j), model in self.models.items():
            train_on(model, data[i].images, data[j].images, steps=steps, seed=seed)

    def translate(self, x: Tensor, source: int, target: int) -> Tensor:
        if source < target:
            return self.models[source, target].to_Y(x)
        return self.models[target, source].to_X(x)


def trained(method: str, steps: int, seed: int) -> tuple[Callable, dict]:
    """Its translate(x, source, target), and what it cost."""
    start = time.process_time()
    if method.startswith("UNIT"):
        torch.manual_seed(seed)
        model = unit() if method == "UNIT" else unit_apart()
        train(model, steps=steps, seed=seed)
        use, all_ = (model.E, model.G), (model,)
    else:
        model = CycleGANs(seed, "layers" in method)
        model.train(steps, seed)
        all_ = list(model.models.values())
        use = [part for pair in all_ for part in (pair.G, pair.F)]
    return model.translate, {"steps": steps, "cpu_seconds": time.process_time() - start,
                             "parameters_use": sum(map(parameters, use)),
                             "parameters_all": sum(map(parameters, all_))}


def judged(x: Tensor, labels: Tensor, target: int) -> dict:
    sign = -1 if DOMAINS[target] == "pen" else 1
    of = lambda h: (h.double().mean(0), h.double().T.cov())
    real = features(sign * domains()[target].images)
    return {"kept": (classify(sign * x).argmax(1) == labels).float().mean().item(),
            "distance": frechet_distance(*of(features(sign * x)), *of(real))}


def measured(method: str, steps: int, seed: int) -> dict:
    """Its row of efficiency; those of efficiency_pairs are written."""
    test = [[part[:1000] for part in domain] for domain in domains("test")]
    translate, row = trained(method, steps, seed)
    start = time.process_time()
    fakes = [translate(test[i][0], i, j) for i, j in PAIRS]
    use = time.process_time() - start
    rows = [{"method": method, "source": DOMAINS[i], "target": DOMAINS[j], "seed": seed}
            | judged(fake, test[i][1], j) for (i, j), fake in zip(PAIRS, fakes, strict=True)]
    real = [{"method": "real", "source": name, "target": name, "seed": 0}
            | judged(*test[k], k) for k, name in enumerate(DOMAINS)]
    write("efficiency_pairs", real + rows, ("method", "source", "target", "seed"))
    kept, distance = ([row[key] for row in rows] for key in ("kept", "distance"))
    return {"method": method, "seed": seed} | row | {
        "per_1000": use / len(PAIRS), "kept": sum(kept) / len(PAIRS), "worst_kept": min(kept),
        "distance": sum(distance) / len(PAIRS)}


def steps_of(method: str, seed: int) -> int:
    """Of "equal seconds": by the seconds that UNIT and "equal steps" of the seed took."""
    if "seconds" not in method:
        return STEPS
    with open(RESULTS / "efficiency.csv", newline="") as file:
        took = {row["method"]: float(row["cpu_seconds"]) for row in csv.DictReader(file)
                if row["seed"] == str(seed)}
    return round(STEPS * took["UNIT"] / took["CycleGANs, equal steps"])


def count(n: int) -> dict:
    """Parameters for n domains: UNIT's grow with n, and the CycleGANs' with n (n − 1)/2."""
    one, pair, pairs = unit(n), MODELS["digits"](), n * (n - 1) // 2
    return {"n": n, "pairs": pairs, "UNIT_use": parameters(one.E) + parameters(one.G),
            "CycleGANs_use": pairs * (parameters(pair.G) + parameters(pair.F)),
            "layers_use": 2 * pairs * parameters(MapG()), "UNIT_all": parameters(one),
            "CycleGANs_all": pairs * parameters(pair),
            "layers_all": pairs * parameters(cyclegan_of_layers())}


RUNS = [Run("efficiency", method, seed) for seed in range(3) for method in METHODS]
RUNS += [Run("efficiency_count", "", 0)]

if __name__ == "__main__":
    torch.set_num_threads(1)
    for run in chosen(RUNS, __doc__):
        if run.table == "efficiency":
            row = measured(run.method, steps_of(run.method, run.seed), run.seed)
            print(row, flush=True)
            write("efficiency", [row], ("method", "seed"))
        else:
            write("efficiency_count", [count(n) for n in (2, 3, 4, 6, 10)])
