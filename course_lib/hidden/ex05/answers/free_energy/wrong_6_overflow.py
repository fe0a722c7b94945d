# writes log(exp + exp) as it stands, which overflows where an input is large
def free_energy(v, W, b, c, lo, hi, T):
    rows = v.reshape(len(v), -1)
    x = c + rows @ W
    return -rows @ b - T * torch.log(torch.exp(lo * x / T) + torch.exp(hi * x / T)).sum(1)
