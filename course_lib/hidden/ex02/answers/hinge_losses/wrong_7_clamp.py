# uses clamp, whose gradient at the margin is 1
def hinge_losses(logit, a, margin):
    r, g = a / a.sum(), (1 - a) / (1 - a).sum()
    L_D = (r * (margin - logit).clamp(min=0) + g * (margin + logit).clamp(min=0)).sum()
    return L_D, -(g * logit).sum()
