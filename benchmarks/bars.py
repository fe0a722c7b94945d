"""The bars beside every FID of digits: real digits, noise, and a Gaussian mixture on 50 principal
components that is fitted in seconds. 5,000 samples each, three seeds."""
import time
import warnings

import torch
from common import write
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from course_lib.data import digits
from course_lib.evaluate import features, fid, precision_recall

TABLES = {"bars": ["bar"]}
rows = []
real = digits().images
for seed in range(3):
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
    drawn = pca.inverse_transform(mixture.sample(5000)[0]).reshape(-1, 1, 28, 28)

    samples = {"real digits": (half, 0.0),
               "Gaussian mixture": (torch.tensor(drawn).float(), seconds),
               "noise": (torch.randn_like(half), 0.0)}
    for name, (x, seconds) in samples.items():
        precision, recall = precision_recall(features(real[order[5000:]]), features(x))
        rows.append({"bar": name, "seed": seed, "fid": fid(x), "precision": precision,
                     "recall": recall, "seconds_to_fit": seconds})
write("bars", rows)
