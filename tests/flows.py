"""What tests of flows share: random weights in float64, and the Jacobian by autograd."""
import torch

rng = lambda seed=0: torch.Generator().manual_seed(seed)


def stirred(module, size=0.3, seed=0):
    """In float64, with random weights: nothing is 0 as at the start."""
    g = rng(seed)
    for p in module.parameters():
        p.data = p.data.double() + size * torch.randn(p.shape, generator=g, dtype=torch.float64)
    return module.double().eval()


def jacobian(f, x):
    """log |det ∂z/∂x| of each point, by autograd"""
    flat = lambda x: f(x[None])[0].flatten()
    rows = [torch.autograd.functional.jacobian(flat, x_i).reshape(x_i.numel(), -1) for x_i in x]
    return torch.linalg.slogdet(torch.stack(rows)).logabsdet
