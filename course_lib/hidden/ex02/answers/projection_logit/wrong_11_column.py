# keeps a second dimension: (batch, 1)
def projection_logit(features, p, V, psi, b):
    phi = F.relu(features).sum((2, 3))
    return ((p @ V + psi) * phi).sum(1, keepdim=True) + b
