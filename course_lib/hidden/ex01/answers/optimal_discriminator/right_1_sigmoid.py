# the sigmoid of the log odds
def optimal_discriminator(log_p, log_g, pi):
    return torch.sigmoid(log_p - log_g + math.log(pi) - math.log(1 - pi))
