# subtracts the largest log of the whole batch: one far point makes all others 0/0
def optimal_discriminator(log_p, log_g, pi):
    top = torch.maximum(log_p.max(), log_g.max())
    a, b = pi * (log_p - top).exp(), (1 - pi) * (log_g - top).exp()
    return a / (a + b)
