# torch's own Huber loss on slices
def pixel_prior(x, lam_rows, lam_columns, delta):
    huber = lambda a, b: F.huber_loss(a, b, reduction="none", delta=delta).flatten(1).sum(1)
    rows = huber(x[:, :, 1:, :], x[:, :, :-1, :])
    columns = huber(x[..., 1:], x[..., :-1])
    return -(lam_rows * rows + lam_columns * columns)
