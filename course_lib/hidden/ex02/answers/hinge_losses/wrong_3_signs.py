# swaps the two hinges: real pictures are pulled down, generated ones up
def hinge_losses(logit, a, margin):
    r, g = a / a.sum(), (1 - a) / (1 - a).sum()
    return (r * F.relu(margin + logit) + g * F.relu(margin - logit)).sum(), -(g * logit).sum()
