# multiplies the log densities by π and 1 − π where the densities are multiplied
def optimal_discriminator(log_p, log_g, pi):
    return torch.sigmoid(pi * log_p - (1 - pi) * log_g)
