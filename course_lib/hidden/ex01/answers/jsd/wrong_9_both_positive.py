# leaves out each x that only one of p and g has, where it counts most
def jsd(p, g, pi):
    m = pi * p + (1 - pi) * g
    ok = (p > 0) & (g > 0)
    r = lambda a: torch.where(ok, a, 1).log() - torch.where(ok, m, 1).log()
    return (pi * p * r(p) + (1 - pi) * g * r(g)).sum(-1), 0.0, -pi * math.log(pi) - (1 - pi) * math.log(1 - pi)
