# weighs the real pictures by π and leaves out 1 − π before the generated ones
def game_value(D, p, g, pi):
    return (pi * torch.xlogy(p, D) + torch.xlogy(g, 1 - D)).sum(-1)
