# divides by the number of pictures where the sum of the shares belongs
def hinge_losses(logit, a, margin):
    L_D = (a * F.relu(margin - logit) + (1 - a) * F.relu(margin + logit)).mean()
    return L_D, -((1 - a) * logit).mean()
