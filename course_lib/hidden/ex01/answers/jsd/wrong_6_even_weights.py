# weighs the two KL divergences by ½ each where π and 1 − π belong
def jsd(p, g, pi):
    m = pi * p + (1 - pi) * g
    kl = lambda a, b: (torch.xlogy(a, a) - torch.xlogy(a, b)).sum(-1)
    upper = -pi * math.log(pi) - (1 - pi) * math.log(1 - pi)
    return (kl(p, m) + kl(g, m)) / 2, 0.0, upper
