# sums over every dimension, which is right for a single table only
def game_value(D, p, g, pi):
    return torch.sum(pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D))
