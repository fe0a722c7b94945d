# divides the weights by their sum, so that they are a law
def projection_logit(features, p, V, psi, b):
    phi = F.relu(features).sum((2, 3))
    n = p.sum(1, keepdim=True)
    p = p / torch.where(n == 0, torch.ones_like(n), n)
    return ((p @ V + psi) * phi).sum(1) + b
