# gives a probability where the logit is asked for
def projection_logit(features, p, V, psi, b):
    phi = F.relu(features).sum((2, 3))
    return torch.sigmoid(((p @ V + psi) * phi).sum(1) + b)
