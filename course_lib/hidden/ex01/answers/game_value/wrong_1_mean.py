# takes the mean over x where the sum over x belongs
def game_value(D, p, g, pi):
    return (pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).mean(-1)
