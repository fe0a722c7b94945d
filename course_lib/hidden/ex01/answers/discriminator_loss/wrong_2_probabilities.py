# takes the cross-entropy of the probabilities: the sigmoid rounds to 0 or 1, the log stops at −100 and the gradient at 0
def discriminator_loss(logit_real, logit_fake, a):
    D_real, D_fake = torch.sigmoid(logit_real), torch.sigmoid(logit_fake)
    return (F.binary_cross_entropy(D_real, torch.full_like(D_real, a))
            + F.binary_cross_entropy(D_fake, torch.zeros_like(D_fake)))
