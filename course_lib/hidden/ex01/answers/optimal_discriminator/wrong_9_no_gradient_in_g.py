# holds the fake side fixed: no gradient reaches log_g
def optimal_discriminator(log_p, log_g, pi):
    with torch.no_grad():
        fake = log_g + math.log(1 - pi)
    return torch.sigmoid(log_p + math.log(pi) - fake)
