# moves the numbers that are picked out by the mask, one picture in one row
def coupling(x, mask, net, a, inverse):
    said = net(x.masked_fill(~mask, 0)).flatten(1)
    half, free = said.shape[1] // 2, ~mask.flatten()
    s = torch.tanh(said[:, :half][:, free] / a) * a
    t = said[:, half:][:, free]
    rows = x.flatten(1)
    moved = rows.clone()
    moved[:, free] = rows[:, free] / s.exp() - t if inverse else s.exp() * (rows[:, free] + t)
    return moved.reshape(x.shape), s.sum(1) * (-1 if inverse else 1)
