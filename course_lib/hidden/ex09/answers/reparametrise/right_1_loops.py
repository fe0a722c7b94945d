# builds L entry by entry, and sums with einsum
def reparametrise(mu, a, eps, floor):
    d, at, rows, heights = mu.shape[1], 0, [], 0
    for j in range(d):
        row = [a[:, at + k] for k in range(j)]
        last = a[:, at + j].clamp(min=0) + torch.log1p((-a[:, at + j].abs()).exp()) + floor
        heights = heights + last.log()
        rows.append(torch.stack([*row, last, *[torch.zeros_like(last)] * (d - 1 - j)], 1))
        at += j + 1
    z = mu + torch.einsum("njk,Knk->Knj", torch.stack(rows, 1), eps)
    constant = d * math.log(2 * math.pi) / 2
    return z, -eps.square().sum(-1) / 2 - heights - constant
