# gives the probability that x is generated, 1 − D*(x)
def optimal_discriminator(log_p, log_g, pi):
    return torch.sigmoid(log_g - log_p + math.log((1 - pi) / pi))
