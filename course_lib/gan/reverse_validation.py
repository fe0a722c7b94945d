"""Zhong et al. 2010, "Cross Validation Framework to Choose amongst Models and Datasets for Transfer
Learning": settings are chosen without a label of the target, by the way back to the source."""
from collections.abc import Callable

from torch import Tensor

from course_lib.gan.adaptation import adapt


def reverse_risk(predict: Callable[[Tensor], Tensor], target: Tensor, source: Tensor,
                 labels: Tensor, *, steps: int | None = None, seed: int = 100) -> float:
    """R_{S_V}(η_r), η_r learnt on {(x, η(x))} of the target    DANN (Ganin 2016), Section 5.1.2

    predict: η, (n, C, H, W) → classes (n,). target: pictures alone; source with labels: pictures
    held out, S_V, that η has not learnt. Returns the share of S_V that the reverse classifier gets
    wrong: of two settings the one with less is chosen. Departs from Ganin et al. in that η_r is
    learnt by "source only" whatever η is, so that risks of different methods compare. steps: of
    η_r's training. Errors: those of `adapt`.
    """
    eta_r = adapt("source only", target, predict(target), source, steps=steps, seed=seed)
    return (eta_r(source) != labels).float().mean().item()
