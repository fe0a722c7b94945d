# cuts the gradient where a difference is tiny, and not only 0
def pixel_prior(x, lam_rows, lam_columns, delta):
    def cost(d):
        d = torch.where(d.abs() < 1e-6, d.detach(), d)
        beyond = delta * (d.abs() - delta / 2)
        return torch.where(d.abs() <= delta, d ** 2 / 2, beyond).sum((1, 2, 3))
    return -lam_rows * cost(x.diff(dim=2)) - lam_columns * cost(x.diff(dim=3))
