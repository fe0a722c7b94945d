# makes the levels float32, as torch.where of two plain numbers is
def gibbs_step(v, known, W, b, c, lo, hi, T, u_h, u_v):
    p_h = torch.sigmoid((hi - lo) * (c + v.reshape(len(v), -1) @ W) / T)
    h = torch.where(u_h < p_h, hi, lo).to(v.dtype)
    p_v = torch.sigmoid(2 * (b + h @ W.T) / T).view_as(v)
    drawn = torch.where(u_v < p_v, torch.ones_like(v), -1.0)
    return h, torch.where(known, v, drawn)
