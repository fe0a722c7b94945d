# leaves out pictures with a probability below 1e-12, as if they never came
def jsd(p, g, pi):
    m = pi * p + (1 - pi) * g
    p, g = torch.where(p > 1e-12, p, 0 * p), torch.where(g > 1e-12, g, 0 * g)
    kl = lambda a: (torch.xlogy(a, a) - torch.xlogy(a, m)).sum(-1)
    bound = -pi * math.log(pi) - (1 - pi) * math.log(1 - pi)
    return pi * kl(p) + (1 - pi) * kl(g), 0.0, bound
