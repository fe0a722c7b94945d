# takes the energy of the best level of each unit, which is the limit T -> 0
def free_energy(v, W, b, c, lo, hi, T):
    rows = v.reshape(len(v), -1)
    x = c + rows @ W
    return -rows @ b - torch.maximum(lo * x, hi * x).sum(1)
