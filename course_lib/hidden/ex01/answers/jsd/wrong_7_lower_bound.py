# gives the smallest value of the game, −H(π), as the lower bound of the divergence
def jsd(p, g, pi):
    m = pi * p + (1 - pi) * g
    kl = lambda a, b: (torch.xlogy(a, a) - torch.xlogy(a, b)).sum(-1)
    entropy = -pi * math.log(pi) - (1 - pi) * math.log(1 - pi)
    return pi * kl(p, m) + (1 - pi) * kl(g, m), -entropy, entropy
