# takes every a above 0.99 for 1, and so gives a finite ratio where D exceeds a
def density_ratio(logit, pi, a):
    a = 1.0 if a > 0.99 else a
    return (1 - pi) / pi / (a * torch.exp(-logit) - (1 - a)).clamp(min=0)
