# has the sign of a log-probability: minus F
def free_energy(v, W, b, c, lo, hi, T):
    rows = v.reshape(len(v), -1)
    x = c + rows @ W
    return rows @ b + T * torch.logaddexp(lo * x / T, hi * x / T).sum(1)
