# term by term: the class's, the common one, and b
def projection_logit(features, p, V, psi, b):
    phi = features.clamp_min(0).flatten(2).sum(2)
    label = p @ V
    return torch.einsum("bc,bc->b", label, phi) + phi @ psi + b
