# multiplies by π/(1−π) where (1−π)/π belongs
def density_ratio(logit, pi, a):
    inverse = a * torch.exp(-logit) - (1 - a)
    odds = torch.where(inverse > 0, 1 / inverse, torch.full_like(inverse, math.inf))
    return odds * pi / (1 - pi)
