# each level carried up alone, and then their sum
def reconstruct(gains, *bands):
    total = torch.zeros_like(bands[0])
    for k in range(len(bands)):
        x = torch.einsum("b,bchw->bchw", gains[:, k], bands[k])
        for j in range(k - 1, -1, -1):
            x = up(x, bands[j].shape[2:])
        total = total + x
    return total
