# adds 1e-8 to the sums of the shares, which is more than they are where they are small
def hinge_losses(logit, a, margin):
    r, g = a / (a.sum() + 1e-8), (1 - a) / ((1 - a).sum() + 1e-8)
    return (r * F.relu(margin - logit) + g * F.relu(margin + logit)).sum(), -(g * logit).sum()
