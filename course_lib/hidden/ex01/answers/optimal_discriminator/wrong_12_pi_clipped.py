# keeps pi between 1e-4 and 1 - 1e-4 for the sake of stability
def optimal_discriminator(log_p, log_g, pi):
    pi = min(max(pi, 1e-4), 1 - 1e-4)
    return torch.sigmoid(log_p - log_g + math.log(pi / (1 - pi)))
