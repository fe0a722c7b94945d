# takes exp of the log densities first, so that both underflow and 0/0 is NaN
def optimal_discriminator(log_p, log_g, pi):
    p, g = torch.exp(log_p), torch.exp(log_g)
    return pi * p / (pi * p + (1 - pi) * g)
