# log ratios with 1 put where a probability is 0
def jsd(p, g, pi):
    m = torch.lerp(g, p, pi)
    one = torch.ones_like(m)
    log_ratio = lambda a: torch.where(a > 0, a, one).log() - torch.where(a > 0, m, one).log()
    js = torch.sum(pi * p * log_ratio(p) + (1 - pi) * g * log_ratio(g), dim=-1)
    return js, 0.0, math.log(1 / (1 - pi)) + pi * math.log((1 - pi) / pi)
