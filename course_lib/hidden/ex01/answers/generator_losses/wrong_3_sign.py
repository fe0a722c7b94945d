# gives −log(1−D) as the minimax loss, which the discriminator minimises; the generator minimises log(1−D)
def generator_losses(logit_fake, w):
    w = w / w.sum()
    minimax = torch.sum(w * F.softplus(logit_fake))
    non_saturating = torch.sum(w * F.softplus(-logit_fake))
    return minimax, non_saturating
