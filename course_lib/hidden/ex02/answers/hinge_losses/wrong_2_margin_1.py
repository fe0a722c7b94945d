# always takes a margin of 1
def hinge_losses(logit, a, margin):
    r, g = a / a.sum(), (1 - a) / (1 - a).sum()
    return (r * F.relu(1 - logit) + g * F.relu(1 + logit)).sum(), -(g * logit).sum()
