# takes the logit for D, without the sigmoid
def density_ratio(logit, pi, a):
    D = logit
    ratio = D / (a - D) * (1 - pi) / pi
    return torch.where(D < a, ratio, torch.full_like(D, math.inf))
