# D* = exp(−log(1 + (1−π) g / (π p))), with softplus for log(1 + exp)
def optimal_discriminator(log_p, log_g, pi):
    log_odds_of_fake = log_g - log_p + math.log((1 - pi) / pi)
    return torch.exp(-F.softplus(log_odds_of_fake))
