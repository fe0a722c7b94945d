# returns plain numbers, from which no gradient flows back to the generator
def generator_losses(logit_fake, w):
    w = w / w.sum()
    minimax = (w * F.logsigmoid(-logit_fake)).sum()
    non_saturating = -(w * F.logsigmoid(logit_fake)).sum()
    return minimax.item(), non_saturating.item()
