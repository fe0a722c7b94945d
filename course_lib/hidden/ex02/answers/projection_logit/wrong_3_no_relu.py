# leaves ReLU out, so that negative features count
def projection_logit(features, p, V, psi, b):
    phi = features.sum((2, 3))
    return ((p @ V + psi) * phi).sum(1) + b
