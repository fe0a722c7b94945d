# the hinge as a product with what is inside the margin; dot products for the sums
def hinge_losses(logit, a, margin):
    b = 1 - a
    up = (margin - logit) * (logit < margin)
    down = (margin + logit) * (logit > -margin)
    L_D = torch.dot(a / a.sum(), up) + torch.dot(b / b.sum(), down)
    return L_D, -torch.dot(b / b.sum(), logit)
