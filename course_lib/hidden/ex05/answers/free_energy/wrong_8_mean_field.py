# puts the mean levels into the energy, which leaves out the entropy of the units
def free_energy(v, W, b, c, lo, hi, T):
    rows = v.reshape(len(v), -1)
    x = c + rows @ W
    mean = lo + (hi - lo) * torch.sigmoid((hi - lo) * x / T)
    return -rows @ b - (mean * x).sum(1)
