# takes the negated minimax loss −log(1−D) for the non-saturating loss −log D
def generator_losses(logit_fake, w):
    minimax = (w * F.logsigmoid(-logit_fake)).sum() / w.sum()
    non_saturating = -(w * F.logsigmoid(-logit_fake)).sum() / w.sum()
    return minimax, non_saturating
