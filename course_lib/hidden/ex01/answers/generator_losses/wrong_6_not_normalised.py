# leaves the weights as they are and does not divide by their sum
def generator_losses(logit_fake, w):
    minimax = torch.dot(w, F.logsigmoid(-logit_fake))
    non_saturating = -torch.dot(w, F.logsigmoid(logit_fake))
    return minimax, non_saturating
