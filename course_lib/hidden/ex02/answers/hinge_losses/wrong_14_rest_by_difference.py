# takes the generated shares' sum as the batch size minus the real ones', which cancels near 1
def hinge_losses(logit, a, margin):
    r, g = a / a.sum(), (1 - a) / (len(a) - a.sum())
    return (r * F.relu(margin - logit) + g * F.relu(margin + logit)).sum(), -(g * logit).sum()
