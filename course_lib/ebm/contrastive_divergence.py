"""Hinton 2002, "Training Products of Experts by Minimizing Contrastive Divergence" (CD): what an
RBM's loss does on average, summed over all states of a small machine, and so how biased it is.
"""
import math

import torch
from torch import Tensor

from course_lib.ebm.rbm import LARGEST, RBM, states


@torch.no_grad()
def gibbs_kernel(model: RBM) -> Tensor:
    """K(v, v') = Σ_h p(h | v) p(v' | h), by enumeration    (2^n_v, 2^n_v), rows as in `states`

    Errors: ValueError where the tables have more than 2^20 numbers.
    """
    n_v, n_h = model.W.shape
    if n_v + max(n_v, n_h) > LARGEST:
        raise ValueError(f"A table of {n_v} by {max(n_v, n_h)} units is too large to enumerate.")
    E = model.energy(states(n_v, model.W)[:, None], states(n_h, model.W))
    return torch.softmax(-E, 1) @ torch.softmax(-E, 0).T


@torch.no_grad()
def expected_update(model: RBM, p_0: Tensor, k: int | None) -> dict[str, Tensor]:
    """⟨vhᵀ⟩_0 − ⟨vhᵀ⟩_k, ⟨v⟩_0 − ⟨v⟩_k, ⟨h⟩_0 − ⟨h⟩_k, exactly    Hinton 2002, Section 3

    p_0: the data's probabilities, (2^n_v,), rows as in `states`. v_k has the law p_0 Kᵏ; for k =
    None it has the model's, and the update is the gradient of the mean log-likelihood, which that
    of a finite k is not. Errors: ValueError for a p_0 that is no law, and as `gibbs_kernel`.
    """
    v = states(len(model.b), model.W)
    if (p_0 < 0).any() or p_0.shape != v.shape[:1] or not math.isclose(p_0.sum(), 1, rel_tol=1e-5):
        raise ValueError(f"p_0 must be {len(v)} probabilities that sum to 1.")
    if k is None:
        p_k = torch.softmax(-model.free_energy(v), 0)
    else:
        p_k, K = p_0, gibbs_kernel(model)
        for _ in range(k):
            p_k = p_k @ K
    h, difference = model.p_h(v), p_0 - p_k
    return {"W": (v * difference[:, None]).T @ h, "b": difference @ v, "c": difference @ h}
