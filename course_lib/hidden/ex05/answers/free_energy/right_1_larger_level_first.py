# takes the larger term out of the logarithm, and log1p of the rest
def free_energy(v, W, b, c, lo, hi, T):
    x = c + v.flatten(1) @ W if v.ndim > 1 else c + v[:, None] @ W
    best = torch.where(x > 0, hi * x, lo * x)
    worse = torch.where(x > 0, lo * x, hi * x)
    units = best + T * torch.log1p(torch.exp((worse - best) / T))
    return -(v.reshape(len(v), -1) * b).sum(1) - units.sum(1)
