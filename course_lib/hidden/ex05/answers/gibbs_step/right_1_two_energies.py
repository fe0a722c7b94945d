# compares the energies of both values by a softmax, unit by unit
def gibbs_step(v, known, W, b, c, lo, hi, T, u_h, u_v):
    n = len(v)
    x = c + v.reshape(n, -1) @ W
    p = torch.stack([lo * x / T, hi * x / T]).softmax(0)[1]
    h = torch.empty_like(x)
    h[u_h < p] = hi
    h[u_h >= p] = lo
    y = (b + h @ W.T).reshape(v.shape)
    p = torch.stack([-y / T, y / T]).softmax(0)[1]
    new = v.clone()
    new[~known & (u_v < p)] = 1.0
    new[~known & (u_v >= p)] = -1.0
    return h, new
