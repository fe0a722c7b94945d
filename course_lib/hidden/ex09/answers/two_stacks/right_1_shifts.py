# adds up shifted pictures, one kernel place after the other
def two_stacks(c, r, w_c, w_r, w_link, groups, first):
    k, (n, _, H, W), O, M = w_r.shape[-1], c.shape, len(w_r), w_r.shape[1]
    half, around, above = k // 2, F.pad(c, [k // 2] * 4), F.pad(r, [0, 0, k // 2, k // 2])
    columns = c.new_zeros(n, len(w_c), H, W) + 0 * w_c.sum() + 0 * c.sum()
    pixels = r.new_zeros(n, O, H, W)
    for j in range(half + int(first), k):
        for i in range(k):
            columns = columns + torch.einsum("ob,nbhw->nohw", w_c[:, :, i, j],
                                             around[:, :, i:i + H, j:j + W])
    for i in range(half):
        pixels = pixels + torch.einsum("om,nmhw->nohw", w_r[..., i], above[:, :, i:i + H])
    for g in range(groups):
        upto = (g if first else g + 1) * (M // groups)
        rows = slice(g * (O // groups), (g + 1) * (O // groups))
        own = torch.einsum("om,nmhw->nohw", w_r[rows, :upto, half], r[:, :upto])
        pixels = pixels + F.pad(own, [0, 0, 0, 0, rows.start, O - rows.stop])
    return columns, pixels + torch.einsum("op,nphw->nohw", w_link, columns)
