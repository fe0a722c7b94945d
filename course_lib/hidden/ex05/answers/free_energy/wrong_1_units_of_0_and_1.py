# takes units that are 0 or 1: softplus(x / T), and neither lo nor hi counts
def free_energy(v, W, b, c, lo, hi, T):
    rows = v.reshape(len(v), -1)
    x = c + rows @ W
    return -rows @ b - T * torch.nn.functional.softplus(x / T).sum(1)
