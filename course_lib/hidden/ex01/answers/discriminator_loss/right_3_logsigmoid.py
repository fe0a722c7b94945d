# log D = logsigmoid(l) and log(1 − D) = logsigmoid(−l)
def discriminator_loss(logit_real, logit_fake, a):
    real = a * F.logsigmoid(logit_real) + (1 - a) * F.logsigmoid(-logit_real)
    fake = F.logsigmoid(-logit_fake)
    return -(real.sum() / len(real) + fake.sum() / len(fake))
