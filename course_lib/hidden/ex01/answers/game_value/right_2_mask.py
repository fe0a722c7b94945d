# replaces D by 1 where its weight is 0, before the log
def game_value(D, p, g, pi):
    one = torch.ones_like(D)
    log_D = torch.log(torch.where(p > 0, D, one))
    log_not_D = torch.log(torch.where(g > 0, 1 - D, one))
    return pi * torch.sum(p * log_D, dim=-1) + (1 - pi) * torch.sum(g * log_not_D, dim=-1)
