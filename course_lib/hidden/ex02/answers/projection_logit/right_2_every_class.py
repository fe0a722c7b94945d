# the logit of every class, and then the row's weights
def projection_logit(features, p, V, psi, b):
    phi = torch.relu(features).sum(dim=(-2, -1))
    classes = phi @ V.T                                       # (batch, K)
    return (p * classes).sum(-1) + torch.mv(phi, psi) + b
