# small is the part up to delta: small (|d| − small / 2)
def pixel_prior(x, lam_rows, lam_columns, delta):
    total = x.new_zeros(len(x)) + 0 * x.sum((1, 2, 3))
    for dim, lam in ((2, lam_rows), (3, lam_columns)):
        d = torch.diff(x, dim=dim)
        small = d.clamp(-delta, delta)
        total = total - lam * (small * (d - small / 2)).sum(dim=(1, 2, 3))
    return total
