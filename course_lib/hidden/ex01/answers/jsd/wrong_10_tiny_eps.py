# adds 1e-30 inside the logs, which counts where p and g are smaller still
def jsd(p, g, pi):
    m, eps = pi * p + (1 - pi) * g, 1e-30
    real = (p * torch.log((p + eps) / (m + eps))).sum(-1)
    fake = (g * torch.log((g + eps) / (m + eps))).sum(-1)
    bound = -pi * math.log(pi) - (1 - pi) * math.log(1 - pi)
    return pi * real + (1 - pi) * fake, 0.0, bound
