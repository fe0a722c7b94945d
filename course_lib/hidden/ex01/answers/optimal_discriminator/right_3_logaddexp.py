# log numerator minus log denominator, the denominator by logaddexp
def optimal_discriminator(log_p, log_g, pi):
    real = log_p + math.log(pi)
    fake = log_g + math.log1p(-pi)
    return (real - torch.logaddexp(real, fake)).exp()
