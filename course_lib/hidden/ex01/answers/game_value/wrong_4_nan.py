# computes 0 · log 0 as 0 · (−∞), which is NaN
def game_value(D, p, g, pi):
    real = pi * p * torch.log(D)
    fake = (1 - pi) * g * torch.log(1 - D)
    return torch.sum(real + fake, dim=-1)
