# asks whether x is between the values of the knots, and anchors each line at its right end
def log_density(x, a, b):
    m = len(a) - 1
    rows = []
    for j in range(m):
        run, rise = a[j + 1] - a[j], b[j + 1] - b[j]
        z = a[j + 1] - (b[j + 1] - x) * run / rise
        up = rise > 0
        above, below = (x > b[j]) == up, (x < b[j + 1]) == up
        inside = (above if j > 0 else True) & (below if j < m - 1 else torch.ones_like(below))
        term = -0.5 * (z * z + math.log(2 * math.pi)) + torch.log(run) - torch.log(torch.abs(rise))
        rows.append(torch.where(inside, term, torch.full_like(term, -1e30)))
    table = torch.stack(rows, 1)
    nowhere = table.amax(1) < -1e29
    log_p = torch.where(nowhere, torch.full_like(x, -math.inf), torch.logsumexp(table, 1))
    r = torch.softmax(table, 1) * (~nowhere)[:, None].to(x.dtype)
    return log_p, r
