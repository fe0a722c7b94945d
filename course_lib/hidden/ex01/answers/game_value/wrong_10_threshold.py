# leaves out pictures with a probability below 1e-12, as if they never came
def game_value(D, p, g, pi):
    real = torch.where(p > 1e-12, pi * torch.xlogy(p, D), 0 * p)
    fake = torch.where(g > 1e-12, (1 - pi) * torch.xlogy(g, 1 - D), 0 * g)
    return (real + fake).sum(-1)
