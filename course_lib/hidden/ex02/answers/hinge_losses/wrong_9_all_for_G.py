# takes the mean over all pictures for G, real ones too
def hinge_losses(logit, a, margin):
    r, g = a / a.sum(), (1 - a) / (1 - a).sum()
    L_D = (r * F.relu(margin - logit) + g * F.relu(margin + logit)).sum()
    return L_D, -logit.mean()
