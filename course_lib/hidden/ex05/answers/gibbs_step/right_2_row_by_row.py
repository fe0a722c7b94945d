# takes the exponential of a log-sigmoid, row by row
def gibbs_step(v, known, W, b, c, lo, hi, T, u_h, u_v):
    hs, vs = [], []
    for row, mask, a, e in zip(v, known, u_h, u_v):
        p = nnf.logsigmoid((hi - lo) * (W.T @ row.flatten() + c) / T).exp()
        h = torch.full_like(a, lo)
        h[a < p] = hi
        p = nnf.logsigmoid(2 * (W @ h + b) / T).exp().reshape(row.shape)
        vs.append(torch.where(mask, row, 2 * (e < p).to(row.dtype) - 1))
        hs.append(h)
    return torch.stack(hs), torch.stack(vs)
