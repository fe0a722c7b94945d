# adds 1e-8 to the sum of the weights, which may be smaller than that
def generator_losses(logit_fake, w):
    s = w / (w.sum() + 1e-8)
    return -(s * F.softplus(logit_fake)).sum(), (s * F.softplus(-logit_fake)).sum()
