# gives a negative ratio where D is larger than a
def density_ratio(logit, pi, a):
    return 1 / (a * torch.exp(-logit) - (1 - a)) * (1 - pi) / pi
