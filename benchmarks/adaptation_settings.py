"""The settings of `course_lib.gan.adaptation`, chosen without a label of the target, and how well.

adaptation_settings: one seed. reverse: one less the risk of reverse validation (Zhong et al. 2010),
by which settings are chosen: a classifier learns the target's training digits with the classes
that the method gives them, and is asked about the source's 2,000 test digits. entropy: of p(y | x)
of 2,000 of the target's training digits, nats, the mean; agreement: of UNIT's two ways to see them,
as they are and as their translations to the source; translated: accuracy of the target's D on
translations of the source's test digits. accuracy on the target's test digits was looked at
afterwards. Of the settings tried on all three pairs, a method has the one with the largest sum of
`reverse`; not every one was tried on each, and some on another machine (see the column). Where
UNIT's row names no λ_2 and λ_4, they are 0.005, as in `UNIT`. seconds: CPU seconds of one thread,
without the reverse classifier.
"""
import functools
import time
from typing import NamedTuple

import torch
from adaptation import PAIRS, accuracy, domain
from common import chosen, write

from course_lib.gan.adaptation import METHODS, built
from course_lib.gan.cogan import CoGANClassifier
from course_lib.gan.dann import DANN
from course_lib.gan.dtn import DTN
from course_lib.gan.reverse_validation import reverse_risk
from course_lib.gan.unit import LAM, UNITClassifier

TABLES = {"adaptation_settings": ["method", "setting", "source", "target"]}
MORE, HEAVY = ((1.0, 2e-4, lam, 2e-4, lam) for lam in (0.01, 0.02))
SETTINGS = {
    "source only": {"-": {}},
    "SA": {f"d {d}": {"d": d} for d in (10, 20, 40, 80)},
    "DANN": {f"lam {lam}, ramp {ramp}": {"Model": functools.partial(DANN, lam=lam, ramp=ramp)}
             for lam, ramp in ((0.1, 1000), (0.3, 1000), (1.0, 1000), (0.3, 300))},
    "DTN": {f"alpha {a:g}, beta {b:g}": {"Model": functools.partial(DTN, alpha=a, beta=b)}
            for a, b in ((15.0, 15.0), (1.0, 15.0))},
    "CoGAN": {f"lam_feature {lam:g}": {"Model": functools.partial(CoGANClassifier, lam_feature=lam)}
              for lam in (0.01, 0.1)},
    "UNIT": {name: {"Model": functools.partial(UNITClassifier, **({"lam": LAM} | changed))}
             for name, changed in {
        "lam_feature 10": {}, "lam_feature 1": {"lam_feature": 1.0},
        "lam_2, lam_4 0.01": {"lam": MORE}, "lam_2, lam_4 0.02": {"lam": HEAVY},
        "lam_class 30, lam_feature 30": {"lam_class": 30.0, "lam_feature": 30.0},
        "lam_class 30, lam_feature 30, lam_2, lam_4 0.02": {
            "lam_class": 30.0, "lam_feature": 30.0, "lam": HEAVY}}.items()},
}


class Run(NamedTuple):
    method: str
    setting: str
    source: str
    target: str


@torch.no_grad()
def agreement(predict, x: torch.Tensor) -> float:
    """How often D sees a picture of the target as it sees its translation to the source."""
    with predict.model.averaged():
        D = predict.model.D
        back = torch.cat([D.classify(predict.model.translate(part, 1, 0), 0).argmax(1)
                          for part in x.split(500)])
    return accuracy(predict(x), back)


@torch.no_grad()
def translated(predict, x: torch.Tensor, labels: torch.Tensor) -> float:
    """How often D_1 gives a picture's translation to the target the picture's label."""
    with predict.model.averaged():
        D = predict.model.D
        classes = torch.cat([D.classify(predict.model.translate(part, 0, 1), 1).argmax(1)
                             for part in x.split(500)])
    return accuracy(classes, labels)


@torch.no_grad()
def entropy(predict, x: torch.Tensor) -> float:
    with predict.model.averaged():
        p = torch.cat([predict.scores(part).float().softmax(1) for part in x.split(500)])
    return -(p * p.clamp_min(1e-9).log()).sum(1).mean().item()


def measured(run: Run, steps: int | None = None) -> dict:
    source, held_out = (domain(run.source, split, run.target) for split in ("train", "test"))
    target, test = (domain(run.target, split, run.source) for split in ("train", "test"))
    build, default, lr = METHODS[run.method]
    build = functools.partial(build, **SETTINGS[run.method][run.setting])
    start = time.process_time()
    predict = built(build, source.images, source.labels, target.images, lr=lr,
                    steps=steps or default)
    seconds = time.process_time() - start
    risk = reverse_risk(predict, target.images, *held_out, steps=steps)
    some = target.images[:2000]
    return {"reverse": 1 - risk,
            "entropy": "" if run.method == "SA" else entropy(predict, some),
            "agreement": agreement(predict, some) if run.method == "UNIT" else "",
            "translated": translated(predict, *held_out) if run.method == "UNIT" else "",
            "accuracy": accuracy(predict(test.images), test.labels), "seconds": seconds}


RUNS = [Run(method, setting, *pair) for method, settings in SETTINGS.items()
        for setting in settings for pair in PAIRS]

if __name__ == "__main__":
    torch.set_num_threads(1)
    for run in chosen(RUNS, __doc__):
        row = run._asdict() | measured(run)
        print(row, flush=True)
        write("adaptation_settings", [row], ("method", "setting", "source", "target"))
