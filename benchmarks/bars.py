"""The bars beside every FID, of digits and of portraits: real ones, noise, and a Gaussian mixture
on 50 principal components that is fitted in seconds. 5,000 samples each, three seeds."""
import time
import warnings
from typing import NamedTuple

import torch
from common import chosen, write
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from course_lib.data import digits, faces
from course_lib.evaluate import features, fid, precision_recall

TABLES = {"bars": ["bar"], "face_bars": ["bar"]}


class Run(NamedTuple):
    kind: str
    seed: int


RUNS = [Run(kind, seed) for kind in ("digits", "faces") for seed in range(3)]


def measured(kind: str, seed: int) -> list[dict]:
    """The rows of the three bars."""
    real = digits().images if kind == "digits" else faces(10_000, seed=seed).images
    torch.manual_seed(seed)
    order = torch.randperm(len(real))
    half = real[order[:5000]]

    start = time.perf_counter()
    pca = PCA(50, random_state=seed).fit(half.flatten(1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                    # its budget stops it, not convergence
        mixture = GaussianMixture(50, reg_covar=1e-3, max_iter=20, init_params="kmeans",
                                  random_state=seed)
        mixture.fit(pca.transform(half.flatten(1)))
    seconds = time.perf_counter() - start
    drawn = pca.inverse_transform(mixture.sample(5000)[0]).reshape(half.shape)

    noun = {"digits": "digits", "faces": "portraits"}[kind]
    samples = {f"real {noun}": (half, 0.0),
               "Gaussian mixture": (torch.tensor(drawn).float(), seconds),
               "noise": (torch.randn_like(half), 0.0)}
    rows = []
    for name, (x, seconds) in samples.items():
        precision, recall = precision_recall(features(real[order[5000:]], kind), features(x, kind))
        rows.append({"bar": name, "seed": seed, "fid": fid(x, kind), "precision": precision,
                     "recall": recall, "seconds_to_fit": seconds})
    return rows


for run in chosen(RUNS, __doc__):
    write({"digits": "bars", "faces": "face_bars"}[run.kind], measured(*run), ("bar", "seed"))
