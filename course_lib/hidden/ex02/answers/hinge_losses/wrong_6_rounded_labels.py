# takes a picture for real where a is above one half, and for generated elsewhere
def hinge_losses(logit, a, margin):
    a = (a > 0.5).to(logit.dtype)
    n, m = a.sum().clamp(min=1), (1 - a).sum().clamp(min=1)
    L_D = (a * F.relu(margin - logit)).sum() / n + ((1 - a) * F.relu(margin + logit)).sum() / m
    return L_D, -((1 - a) * logit).sum() / m
