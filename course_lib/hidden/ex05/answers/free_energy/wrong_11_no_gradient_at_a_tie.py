# puts the constant T log 2 in where nothing drives a unit, through which no gradient flows
def free_energy(v, W, b, c, lo, hi, T):
    v = v.reshape(len(v), -1)
    x = v @ W + c
    unit = T * torch.logaddexp(lo * x / T, hi * x / T)
    unit = torch.where((x == 0).all(0), T * math.log(2) + (lo + hi) / 2 * x, unit)
    unit = torch.where((x == 0) & ~(x == 0).all(0), T * math.log(2) + 0 * x, unit)
    return -v @ b - unit.sum(1)
