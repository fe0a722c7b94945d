# leaves the constant of the density out, d/2 log 2 pi
def reparametrise(mu, a, eps, floor):
    n, d = mu.shape
    rows, columns = torch.tril_indices(d, d)
    L = mu.new_zeros(n, d, d)
    L[:, rows, columns] = torch.where(rows == columns, floor + F.softplus(a), a)
    z = mu + (L @ eps[..., None])[..., 0]
    return z, -(eps ** 2).sum(2) / 2 - L.diagonal(dim1=1, dim2=2).log().sum(1)
