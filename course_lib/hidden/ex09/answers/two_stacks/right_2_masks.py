# writes zeros into masks, slice by slice, and links with a 1 x 1 convolution
def two_stacks(c, r, w_c, w_r, w_link, groups, first):
    half, mask_c, mask_r = w_r.shape[2] // 2, torch.ones_like(w_c), torch.ones_like(w_r)
    mask_c[..., :half + first] = 0
    mask_r[..., half + 1:] = 0
    for g in range(groups):
        o, m = len(w_r) // groups, w_r.shape[1] // groups
        mask_r[g * o:(g + 1) * o, (g + 1 - int(first)) * m:, half] = 0
    columns = F.conv2d(c, mask_c * w_c, padding="same")
    pixels = F.conv2d(r, (mask_r * w_r).unsqueeze(3), padding="same")
    return columns, pixels + F.conv2d(columns, w_link[..., None, None])
