# subtracts a sigmoid that is rounded: for a = 1 and large logits a − D has lost its digits, or is 0
def density_ratio(logit, pi, a):
    D = torch.sigmoid(logit)
    ratio = D / (a - D) * (1 - pi) / pi
    return torch.where(D < a, ratio, torch.full_like(D, math.inf))
