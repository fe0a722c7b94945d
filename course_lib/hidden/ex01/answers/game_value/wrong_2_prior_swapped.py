# uses 1 − π for the real pictures and π for the generated ones
def game_value(D, p, g, pi):
    return ((1 - pi) * torch.xlogy(p, D) + pi * torch.xlogy(g, 1 - D)).sum(-1)
