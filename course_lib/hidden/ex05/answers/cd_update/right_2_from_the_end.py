# applies the kernel to the statistics instead of the law, from the last step to the first
def cd_update(V, H, W, b, c, p_0, w):
    E = -torch.einsum("sd,dm,rm->sr", V, W, H) - (V @ b)[:, None] - (H @ c)[None]
    up, down = (-E).softmax(1), (-E).softmax(0)
    h = up @ H
    now = torch.cat([(V[:, :, None] * h[:, None]).flatten(1), V, h], 1)
    later = torch.zeros_like(now)
    for chance in w.flip(0)[:-1]:
        later = up @ (down.T @ (chance * now + later))
    found = p_0 @ ((1 - w[0]) * now - later)
    d, m = W.shape
    return found[:d * m].view(d, m), found[d * m:d * m + d], found[d * m + d:]
