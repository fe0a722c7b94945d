# takes the gradient of log q at a z that is held fixed
def reparametrise(mu, a, eps, floor):
    n, d = mu.shape
    rows, columns = torch.tril_indices(d, d)
    L = mu.new_zeros(n, d, d)
    L[:, rows, columns] = torch.where(rows == columns, floor + F.softplus(a), a)
    z = mu + (L @ eps[..., None])[..., 0]
    moved = torch.linalg.solve_triangular(L, L.detach() @ eps[..., None], upper=False)[..., 0]
    log_det = L.diagonal(dim1=1, dim2=2).log().sum(1)
    return z, -(moved ** 2).sum(2) / 2 - log_det - d / 2 * math.log(2 * math.pi)
