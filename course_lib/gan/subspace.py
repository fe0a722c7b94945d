"""Fernando et al. 2013, "Unsupervised Visual Domain Adaptation Using Subspace Alignment" (SA): the
source's principal directions are turned into the target's, in closed form."""
import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor


def subspace(x: Tensor, d: int) -> tuple[Tensor, Tensor]:
    """The mean (D,) and the d leading eigenvectors X (D, d) of x    SA, Section 3.1

    x: (n, D). The sign of each column is arbitrary. Errors: ValueError for a d above min(n, D).
    """
    if not 1 <= d <= min(x.shape):
        raise ValueError(f"{len(x)} points of {x.shape[1]} dimensions have up to {min(x.shape)} "
                         f"principal directions, so that d cannot be {d}.")
    pca = PCA(d, random_state=0).fit(x.double().numpy())
    return tuple(torch.from_numpy(np.ascontiguousarray(a)) for a in (pca.mean_, pca.components_.T))


def alignment(X_S: Tensor, X_T: Tensor) -> Tensor:
    """M* = argmin_M ‖X_S M − X_T‖_F² = X_Sᵀ X_T    SA, eqs. 1 to 3

    (D, d) each, with orthonormal columns. Returns (d, d): I for equal subspaces.
    """
    return X_S.T @ X_T


def aligned(source: Tensor, target: Tensor, d: int):
    """(x_S − μ_S) X_S M* and (x_T − μ_T) X_T, as two functions (n, D) → (n, d)    SA, Section 3.2

    source (n, D), target (m, D): what the subspaces are of. Columns' signs are those of X_T.
    """
    (mu_S, X_S), (mu_T, X_T) = subspace(source, d), subspace(target, d)
    M = alignment(X_S, X_T)
    return lambda x: (x.double() - mu_S) @ X_S @ M, lambda x: (x.double() - mu_T) @ X_T


def nearest_label(x: Tensor, known: Tensor, labels: Tensor) -> Tensor:
    """The label of the nearest of `known`    SA, Section 4 ("NN classifier")

    x (n, d), known (m, d), labels (m,). Returns (n,).
    """
    return torch.cat([labels[torch.cdist(part, known).argmin(1)] for part in x.split(1000)])
