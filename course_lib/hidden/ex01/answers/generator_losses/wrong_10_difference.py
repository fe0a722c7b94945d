# computes the non-saturating loss from the minimax one, a difference in which near logits drown
def generator_losses(logit_fake, w):
    share = w / w.sum()
    minimax = -(share * F.softplus(logit_fake)).sum()
    return minimax, -minimax - (share * logit_fake).sum()
