# writes tanh with a sigmoid, and the sign of the direction into s
def coupling(x, mask, net, a, inverse):
    C, zero = x.shape[1], torch.zeros_like(x)
    said = net(torch.where(mask, x, zero))
    raw, t = said[:, :C].where(~mask, zero), said[:, C:].where(~mask, zero)
    s = a * (2 * torch.sigmoid(2 * raw / a) - 1)
    s = -s if inverse else s
    y = s.exp() * x - t if inverse else s.exp() * (x + t)
    return y.where(~mask, x), s.reshape(len(x), -1).sum(1)
