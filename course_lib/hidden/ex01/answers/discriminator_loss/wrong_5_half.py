# takes half the sum of the two means where their sum belongs
def discriminator_loss(logit_real, logit_fake, a):
    real = F.binary_cross_entropy_with_logits(logit_real, torch.full_like(logit_real, a))
    fake = F.binary_cross_entropy_with_logits(logit_fake, torch.zeros_like(logit_fake))
    return (real + fake) / 2
