# leaves out the summands of probability 0; log1p(-D) for log(1 - D), einsum for the sum
def game_value(D, p, g, pi):
    real = torch.where(p == 0, torch.zeros_like(D), p * torch.log(D))
    fake = torch.where(g == 0, torch.zeros_like(D), g * torch.log1p(-D))
    return torch.einsum("...n->...", pi * real + (1.0 - pi) * fake)
