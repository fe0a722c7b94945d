# writes the sigmoid as (1 + tanh) / 2, in which small probabilities are rounded to 0
def gibbs_step(v, known, W, b, c, lo, hi, T, u_h, u_v):
    hs, vs = [], []
    for row, mask, a, e in zip(v, known, u_h, u_v):
        p = (1 + torch.tanh((hi - lo) / 2 * (W.T @ row.flatten() + c) / T)) / 2
        h = torch.full_like(a, lo)
        h[a < p] = hi
        p = ((1 + torch.tanh((W @ h + b) / T)) / 2).reshape(row.shape)
        vs.append(torch.where(mask, row, 2 * (e < p).to(row.dtype) - 1))
        hs.append(h)
    return torch.stack(hs), torch.stack(vs)
