# divides by the number of pictures where the sum of the weights belongs
def generator_losses(logit_fake, w):
    minimax = (w * F.logsigmoid(-logit_fake)).mean()
    non_saturating = (-w * F.logsigmoid(logit_fake)).mean()
    return minimax, non_saturating
