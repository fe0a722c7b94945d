# torch.where picks what is inside the margin, and the weights are divided last
def hinge_losses(logit, a, margin):
    zero = torch.zeros_like(logit)
    real = torch.where(logit < margin, margin - logit, zero)
    fake = torch.where(logit > -margin, margin + logit, zero)
    L_D = (a * real).sum() / a.sum() + ((1 - a) * fake).sum() / (1 - a).sum()
    return L_D, ((a - 1) * logit).sum() / (1 - a).sum()
