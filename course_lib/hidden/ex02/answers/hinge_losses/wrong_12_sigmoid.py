# takes a sigmoid of the logits first
def hinge_losses(logit, a, margin):
    D = torch.sigmoid(logit)
    r, g = a / a.sum(), (1 - a) / (1 - a).sum()
    return (r * F.relu(margin - D) + g * F.relu(margin + D)).sum(), -(g * D).sum()
