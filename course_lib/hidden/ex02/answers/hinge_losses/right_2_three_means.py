# a function for the weighted mean, used three times
def hinge_losses(logit, a, margin):
    mean = lambda w, f: (w / w.sum() * f).sum()
    L_D = mean(a, F.relu(margin - logit)) + mean(1 - a, F.relu(logit + margin))
    return L_D, mean(1 - a, -logit)
