# gives G a hinge, too, where its loss has none
def hinge_losses(logit, a, margin):
    r, g = a / a.sum(), (1 - a) / (1 - a).sum()
    L_D = (r * F.relu(margin - logit) + g * F.relu(margin + logit)).sum()
    return L_D, (g * F.relu(margin - logit)).sum()
