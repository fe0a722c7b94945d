# D/(a−D) = 1/(a exp(−l) − (1−a)), infinite where that is not positive
def density_ratio(logit, pi, a):
    inverse = a * torch.exp(-logit) - (1 - a)
    odds = torch.where(inverse > 0, 1 / inverse, torch.full_like(inverse, math.inf))
    return odds * (1 - pi) / pi
