# subtracts one maximum of the whole batch from the log densities, so that the other points underflow
def optimal_discriminator(log_p, log_g, pi):
    top = torch.maximum(log_p, log_g).max()
    p, g = torch.exp(log_p - top), torch.exp(log_g - top)
    return pi * p / (pi * p + (1 - pi) * g)
