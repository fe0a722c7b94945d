# normalises the caller's weights in place
def generator_losses(logit_fake, w):
    w /= w.sum()
    minimax = torch.sum(w * F.logsigmoid(-logit_fake))
    non_saturating = -torch.sum(w * F.logsigmoid(logit_fake))
    return minimax, non_saturating
