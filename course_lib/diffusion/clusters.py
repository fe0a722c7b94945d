"""Classes that nobody had to name: Hu et al. 2023, "Self-Guided Diffusion Models", and Adaloglou et
al. 2024, "Rethinking cluster-conditioned diffusion models", on learned features; here on pixels."""
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor

from course_lib.core import GenerativeModel


def clusters(x: Tensor, k: int = 50) -> Tensor:
    """y_n = argmin_k ‖x_n − μ_k‖², μ_k the mean of all x_n with y_n = k, in turn
    k-means, Bishop 2006, eqs. 9.2 and 9.4

    x: (n, 1, 28, 28). Returns (n,), int64 in 0 … k − 1; from one fixed start, so always the same.
    """
    means, y = kmeans2(x.flatten(1).numpy(), k, iter=20, minit="points", rng=0)
    return torch.from_numpy(y).long()


class MixtureOverClasses:
    """p(x) = Σ_y p(y) p(x | y): a model told classes draws from the law of all data again
    sum and product rule, Bishop 2006, eqs. 1.10 and 1.11

    model: p(x | y), which samples with y and steps. labels: (n,), int64, the classes in the data,
    which give p(y); None where the model knows no classes. steps: of the sampler; the model's own
    number unless given.
    """

    def __init__(self, model: GenerativeModel, labels: Tensor | None, steps: int | None = None):
        self.model, self.labels, self.steps = model, labels, steps
        self.parameters = model.parameters

    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None) -> Tensor:
        """y ~ p(y) where none is asked for, then x ~ p(x | y); (n, …)    Hu et al. 2023"""
        if y is None and self.labels is not None:
            y = self.labels[torch.randint(len(self.labels), (n,), generator=generator)]
        return self.model.sample(n, y=y, steps=self.steps, generator=generator)
