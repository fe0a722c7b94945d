# adds 1e-6 inside the logs to avoid log 0, which changes V everywhere
def game_value(D, p, g, pi):
    eps = 1e-6
    return (pi * p * torch.log(D + eps) + (1 - pi) * g * torch.log(1 - D + eps)).sum(dim=-1)
