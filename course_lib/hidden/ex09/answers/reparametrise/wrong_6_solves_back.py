# computes the noise back from z, where digits are lost
def reparametrise(mu, a, eps, floor):
    n, d = mu.shape
    rows, columns = torch.tril_indices(d, d)
    L = mu.new_zeros(n, d, d)
    L[:, rows, columns] = torch.where(rows == columns, floor + F.softplus(a), a)
    z = mu + (L @ eps[..., None])[..., 0]
    return z, torch.distributions.MultivariateNormal(mu, scale_tril=L).log_prob(z)
