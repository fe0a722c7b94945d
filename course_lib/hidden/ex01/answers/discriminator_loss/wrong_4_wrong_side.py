# smooths the label of the generated pictures where that of the real ones is smoothed
def discriminator_loss(logit_real, logit_fake, a):
    real = F.softplus(-logit_real)
    fake = a * F.softplus(logit_fake) + (1 - a) * F.softplus(-logit_fake)
    return real.mean() + fake.mean()
