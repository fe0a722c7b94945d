# finds distances by |z|^2 - 2 z.e + |e|^2, where small ones drown in rounding
def quantise(z, codebooks, w, beta):
    G, _, d = codebooks.shape
    parts = z.unflatten(1, (G, d)).movedim(2, -1)
    k = (parts.square().sum(-1, keepdim=True) - 2 * torch.einsum("nghwd,gkd->nghwk", parts, codebooks)
         + codebooks.square().sum(-1)[:, None, None]).argmin(-1)
    q = codebooks[torch.arange(G).reshape(-1, 1, 1), k]
    of_groups = lambda a, b: (a - b).square().sum(-1).mean((0, 2, 3))
    loss = w @ (of_groups(parts.detach(), q) + beta * of_groups(parts, q.detach()))
    z_q = q.movedim(-1, 2).flatten(1, 2)
    return z + (z_q - z).detach(), k, loss
