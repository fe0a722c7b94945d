# takes the last of codes that are equally near, not the first
def quantise(z, codebooks, w, beta):
    G, _, d = codebooks.shape
    parts = z.unflatten(1, (G, d)).movedim(2, -1)
    k = (parts[..., None, :] - codebooks[:, None, None]).square().sum(-1).flip(-1).argmin(-1)
    k = codebooks.shape[1] - 1 - k
    q = codebooks[torch.arange(G).reshape(-1, 1, 1), k]
    of_groups = lambda a, b: (a - b).square().sum(-1).mean((0, 2, 3))
    loss = w @ (of_groups(parts.detach(), q) + beta * of_groups(parts, q.detach()))
    z_q = q.movedim(-1, 2).flatten(1, 2)
    return z + (z_q - z).detach(), k, loss
