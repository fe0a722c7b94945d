# adds the floor to every number of L, also beside the diagonal
def reparametrise(mu, a, eps, floor):
    n, d = mu.shape
    rows, columns = torch.tril_indices(d, d)
    L = mu.new_zeros(n, d, d)
    L[:, rows, columns] = floor + torch.where(rows == columns, F.softplus(a), a)
    z = mu + (L @ eps[..., None])[..., 0]
    log_det = L.diagonal(dim1=1, dim2=2).log().sum(1)
    return z, -(eps ** 2).sum(2) / 2 - log_det - d / 2 * math.log(2 * math.pi)
