# takes the density of the noise from PyTorch, and the log-determinant off it
def reparametrise(mu, a, eps, floor):
    n, d = mu.shape
    corner = torch.ones(d, d).tril().bool().expand(n, d, d)
    L = torch.zeros(n, d, d, dtype=mu.dtype).masked_scatter(corner, a)
    diagonal = torch.diagonal(L, dim1=1, dim2=2)
    positive = floor + torch.logaddexp(diagonal, torch.zeros_like(diagonal))
    L = torch.tril(L, -1) + torch.diag_embed(positive)
    z = mu + torch.matmul(eps.movedim(1, 0), L.mT).movedim(0, 1)
    normal = torch.distributions.Normal(0.0, 1.0)
    return z, normal.log_prob(eps).sum(2) - positive.log().sum(1)
