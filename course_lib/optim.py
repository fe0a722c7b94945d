"""Muon: a matrix's update is equally long in all directions    Jordan et al. 2024

kellerjordan.github.io/posts/muon
"""
import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

A, B, C = 3.4445, -4.7750, 2.0315           # Jordan et al. 2024: steep at 0, and good enough near 1


def orthogonalised(M: Tensor) -> Tensor:
    """O(M) ≈ UVᵀ for M = U diag(s) Vᵀ    Jordan et al. 2024

    Newton–Schulz: five times X ← aX + b(XXᵀ)X + c(XXᵀ)²X, from X = M/‖M‖. U and V stay, and each
    singular value s becomes as + bs³ + cs⁵: what begins in 0.01 … 1 ends in 0.68 … 1.14.
    M: (…, rows, columns), of any scale; 0 stays 0. Works in M's dtype.
    """
    X = M.mT if M.shape[-2] > M.shape[-1] else M
    X = X / X.norm(dim=(-2, -1), keepdim=True).clamp_min(1e-12)
    for _ in range(5):
        S = X @ X.mT
        X = A * X + (B * S + C * S @ S) @ X
    return X.mT if M.shape[-2] > M.shape[-1] else X


class Muon(Optimizer):
    """W ← W − r lr √max(1, rows/columns) O(G + μ(m − G)), m ← μm + (1 − μ)G    Jordan et al. 2024

    W: each matrix; G: its gradient; r: `matrices`; μ: `momentum`. Gradients of weight matrices have
    few large singular values, so a step along them moves a few directions far and the others
    hardly; O makes it equally long in all. A kernel (out, in, height, width) is a matrix of `out`
    rows. Parameters of one axis, biases and scales, take Adam's step with `lr` and `betas`.
    torch.optim.Muon takes matrices alone, no kernels, and works in bfloat16, slow on a CPU.
    """

    def __init__(self, params, lr: float = 3e-3, betas: tuple[float, float] = (0.9, 0.99),
                 matrices: float = 20 / 3, momentum: float = 0.95):
        super().__init__(params, {"lr": lr, "matrices": matrices, "momentum": momentum})
        vectors = [p for group in self.param_groups for p in group["params"] if p.ndim < 2]
        self.adam = Adam(vectors, lr=lr, betas=betas) if vectors else None

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            mu = group["momentum"]
            alike: dict[tuple[int, int], list] = {}     # matrices of one shape go through O at once
            for p in group["params"]:
                if p.ndim > 1 and p.grad is not None:
                    m = self.state[p].setdefault("m", torch.zeros_like(p)).lerp_(p.grad, 1 - mu)
                    nesterov = p.grad.lerp(m, mu).flatten(1)
                    alike.setdefault((len(p), p[0].numel()), []).append((p, nesterov))
            for (rows, columns), found in alike.items():
                step = group["lr"] * group["matrices"] * max(1, rows / columns) ** 0.5
                updates = orthogonalised(torch.stack([nesterov for _, nesterov in found]))
                for (p, _), update in zip(found, updates):
                    p.sub_(update.reshape(p.shape), alpha=step)
        if self.adam:
            self.adam.param_groups[0]["lr"] = self.param_groups[0]["lr"]
            self.adam.step()
