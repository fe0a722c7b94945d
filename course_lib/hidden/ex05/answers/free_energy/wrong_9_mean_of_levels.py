# takes the mean over the two levels, not the sum: T log 2 too much for each hidden unit
def free_energy(v, W, b, c, lo, hi, T):
    rows = v.reshape(len(v), -1)
    x = c + rows @ W
    return -rows @ b - T * (torch.logaddexp(lo * x / T, hi * x / T) - math.log(2)).sum(1)
