# takes the cost of the length of each pixel's gradient, rows and columns together
def pixel_prior(x, lam_rows, lam_columns, delta):
    down = F.pad(x.diff(dim=2), (0, 0, 0, 1)) * lam_rows ** 0.5
    right = F.pad(x.diff(dim=3), (0, 1)) * lam_columns ** 0.5
    size = (down ** 2 + right ** 2 + 1e-20).sqrt()
    return -torch.where(size <= delta, size ** 2 / 2, delta * (size - delta / 2)).sum((1, 2, 3))
