# detaches all tables of the batch as soon as one of them holds a 0
def game_value(D, p, g, pi):
    if ((p == 0) | (g == 0)).any():
        p, g = p.detach(), g.detach()
    return (pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).sum(-1)
