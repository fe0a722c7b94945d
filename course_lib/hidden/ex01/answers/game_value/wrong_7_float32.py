# rounds a float64 table to float32
def game_value(D, p, g, pi):
    D, p, g = (torch.as_tensor(t, dtype=torch.float32) for t in (D, p, g))
    return (pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).sum(-1)
