# pairs each picture with the labels of the whole batch
def projection_logit(features, p, V, psi, b):
    phi = F.relu(features).sum((2, 3))
    return (phi @ (p @ V).T).sum(1) + phi @ psi + b
