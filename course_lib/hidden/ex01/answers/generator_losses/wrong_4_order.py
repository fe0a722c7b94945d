# returns the two losses in the other order
def generator_losses(logit_fake, w):
    w = w / w.sum()
    minimax = -torch.sum(w * F.softplus(logit_fake))
    non_saturating = torch.sum(w * F.softplus(-logit_fake))
    return non_saturating, minimax
