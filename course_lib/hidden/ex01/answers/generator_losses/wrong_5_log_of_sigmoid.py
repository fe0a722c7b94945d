# takes the log of a sigmoid that has already been rounded to 0 or 1
def generator_losses(logit_fake, w):
    D = torch.sigmoid(logit_fake)
    minimax = (w * torch.log(1 - D)).sum() / w.sum()
    non_saturating = (w * -torch.log(D)).sum() / w.sum()
    return minimax, non_saturating
