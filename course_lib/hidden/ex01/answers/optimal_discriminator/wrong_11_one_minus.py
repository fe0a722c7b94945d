# takes 1 minus the probability of "generated", and so loses the digits of every small D
def optimal_discriminator(log_p, log_g, pi):
    return 1 - torch.sigmoid(log_g - log_p + math.log((1 - pi) / pi))
