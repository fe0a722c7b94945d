# gives g/p where p/g belongs
def density_ratio(logit, pi, a):
    return torch.clamp(a * torch.exp(-logit) - (1 - a), min=0) * pi / (1 - pi)
