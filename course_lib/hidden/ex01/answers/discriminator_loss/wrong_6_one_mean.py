# takes one mean over both batches together, which is right for batches of the same size only
def discriminator_loss(logit_real, logit_fake, a):
    logit = torch.cat([logit_real, logit_fake])
    label = torch.cat([torch.full_like(logit_real, a), torch.zeros_like(logit_fake)])
    return 2 * F.binary_cross_entropy_with_logits(logit, label)
