# divides the term of the visible bias by T, as if F were in units of T
def free_energy(v, W, b, c, lo, hi, T):
    rows = v.reshape(len(v), -1)
    x = c + rows @ W
    return -rows @ b / T - T * torch.logaddexp(lo * x / T, hi * x / T).sum(1)
