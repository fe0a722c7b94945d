# two KL divergences with torch.xlogy, the bound with math.log
def jsd(p, g, pi):
    m = pi * p + (1 - pi) * g

    def kl(a, b):
        return (torch.xlogy(a, a) - torch.xlogy(a, b)).sum(-1)

    upper = -pi * math.log(pi) - (1 - pi) * math.log(1 - pi)
    return pi * kl(p, m) + (1 - pi) * kl(g, m), 0.0, upper
