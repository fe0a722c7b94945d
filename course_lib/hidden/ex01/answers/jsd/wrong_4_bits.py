# uses log2: the divergence and its bound are in bits, not in nats
def jsd(p, g, pi):
    m = pi * p + (1 - pi) * g
    kl = lambda a, b: (torch.xlogy(a, a) - torch.xlogy(a, b)).sum(-1) / math.log(2)
    upper = -pi * math.log2(pi) - (1 - pi) * math.log2(1 - pi)
    return pi * kl(p, m) + (1 - pi) * kl(g, m), 0.0, upper
