# softplus, and weights that are normalised first
def generator_losses(logit_fake, w):
    w = w / w.sum()
    minimax = -(w * F.softplus(logit_fake)).sum()
    non_saturating = (w * F.softplus(-logit_fake)).sum()
    return minimax, non_saturating
