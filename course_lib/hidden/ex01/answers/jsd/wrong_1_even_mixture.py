# takes m = (p + g)/2 where m = π p + (1−π) g belongs
def jsd(p, g, pi):
    m = (p + g) / 2
    kl = lambda a, b: (torch.xlogy(a, a) - torch.xlogy(a, b)).sum(-1)
    upper = -pi * math.log(pi) - (1 - pi) * math.log(1 - pi)
    return pi * kl(p, m) + (1 - pi) * kl(g, m), 0.0, upper
