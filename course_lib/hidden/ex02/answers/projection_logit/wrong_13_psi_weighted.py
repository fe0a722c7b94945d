# gives ψ only to pictures with a label
def projection_logit(features, p, V, psi, b):
    phi = F.relu(features).sum((2, 3))
    return (p[:, :, None] * (V + psi)).sum(1).mul(phi).sum(1) + b
