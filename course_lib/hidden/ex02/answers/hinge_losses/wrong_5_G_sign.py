# gives G the mean logit itself, which D wants low, and G high
def hinge_losses(logit, a, margin):
    r, g = a / a.sum(), (1 - a) / (1 - a).sum()
    L_D = (r * F.relu(margin - logit) + g * F.relu(margin + logit)).sum()
    return L_D, (g * logit).sum()
