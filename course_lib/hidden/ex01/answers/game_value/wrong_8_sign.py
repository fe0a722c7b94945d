# returns −V, a loss that D minimises, where V itself belongs
def game_value(D, p, g, pi):
    return -(pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).sum(-1)
