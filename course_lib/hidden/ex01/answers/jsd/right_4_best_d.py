# through the best D: its value plus the entropy of the prior
def jsd(p, g, pi):
    m = pi * p + (1 - pi) * g
    one = torch.where(m > 0, m, 1)
    H = -pi * math.log(pi) - (1 - pi) * math.log1p(-pi)
    return (torch.xlogy(pi * p, pi * p / one) + torch.xlogy((1 - pi) * g, (1 - pi) * g / one)).sum(-1) + H, 0.0, H
