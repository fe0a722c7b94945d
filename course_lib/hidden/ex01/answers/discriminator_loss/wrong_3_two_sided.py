# smooths both labels: a for the real pictures and 1 − a for the generated ones, whose label stays 0
def discriminator_loss(logit_real, logit_fake, a):
    real = F.binary_cross_entropy_with_logits(logit_real, torch.full_like(logit_real, a))
    fake = F.binary_cross_entropy_with_logits(logit_fake, torch.full_like(logit_fake, 1 - a))
    return real + fake
