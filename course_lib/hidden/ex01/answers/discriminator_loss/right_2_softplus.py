# softplus(l) − a l on the real pictures; the scalar has shape (1,)
def discriminator_loss(logit_real, logit_fake, a):
    real = (F.softplus(logit_real) - a * logit_real).mean(0, keepdim=True)
    return real + F.softplus(logit_fake).mean(0, keepdim=True)
