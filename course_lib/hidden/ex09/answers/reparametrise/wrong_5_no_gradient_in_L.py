# copies L's numbers, so that no gradient of z reaches a
def reparametrise(mu, a, eps, floor):
    n, d = mu.shape
    rows, columns = torch.tril_indices(d, d)
    L = mu.new_zeros(n, d, d)
    L[:, rows, columns] = torch.where(rows == columns, floor + F.softplus(a), a)
    z = mu + (L.detach() @ eps[..., None])[..., 0] + 0 * a.sum()
    log_det = L.diagonal(dim1=1, dim2=2).log().sum(1)
    return z, -(eps ** 2).sum(2) / 2 - log_det - d / 2 * math.log(2 * math.pi)
