# leaves out the term without a class
def projection_logit(features, p, V, psi, b):
    phi = F.relu(features).sum((2, 3))
    return ((p @ V) * phi).sum(1) + b + 0 * psi.sum()
