# multiplies the logit by the share inside the hinge
def hinge_losses(logit, a, margin):
    real = F.relu(margin - a * logit).sum() / a.sum()
    fake = F.relu(margin + (1 - a) * logit).sum() / (1 - a).sum()
    return real + fake, -((1 - a) * logit).sum() / (1 - a).sum()
