# divides the odds D/(1−D) by a where 1 − D becomes a − D
def density_ratio(logit, pi, a):
    return torch.exp(logit) / a * (1 - pi) / pi
