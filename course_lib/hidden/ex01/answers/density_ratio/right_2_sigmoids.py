# σ(l)/(σ(−l) − (1−a)), which needs no 1 − D
def density_ratio(logit, pi, a):
    rest = torch.sigmoid(-logit) - (1 - a)
    ratio = torch.sigmoid(logit) / rest * ((1 - pi) / pi)
    return ratio.masked_fill(rest <= 0, float("inf"))
