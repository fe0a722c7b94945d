# gives inf to the whole batch as soon as one D exceeds a
def density_ratio(logit, pi, a):
    rest = a * torch.exp(-logit) - (1 - a)
    x = (1 - pi) / (pi * rest)
    if (rest <= 0).any():
        return torch.full_like(x, math.inf)
    return x
