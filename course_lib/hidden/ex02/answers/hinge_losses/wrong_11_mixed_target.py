# blends the two targets first: the hinge of (2a - 1) D, one for each picture
def hinge_losses(logit, a, margin):
    g = (1 - a) / (1 - a).sum()
    return 2 * F.relu(margin - (2 * a - 1) * logit).mean(), -(g * logit).sum()
