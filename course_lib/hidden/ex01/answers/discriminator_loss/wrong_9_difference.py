# computes the real pictures' loss as a difference of two means, in which far logits drown near ones
def discriminator_loss(logit_real, logit_fake, a):
    real = F.softplus(logit_real).mean() - a * logit_real.mean()
    return real + F.softplus(logit_fake).mean()
