# clamps the log odds to ±20, so that D* never reaches 0
def optimal_discriminator(log_p, log_g, pi):
    logit = log_p - log_g + math.log(pi / (1 - pi))
    return torch.sigmoid(torch.clamp(logit, -20, 20))
