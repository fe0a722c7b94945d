# fills a new tensor with inf, and then the places where D < a
def density_ratio(logit, pi, a):
    out = torch.full_like(logit, math.inf)
    rest = a * torch.exp(-logit) - (1 - a)
    ok = rest > 0
    out[ok] = (1 - pi) / pi / rest[ok]
    return out
