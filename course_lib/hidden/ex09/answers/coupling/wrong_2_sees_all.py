# shows the network all numbers, also those that are moved
def coupling(x, mask, net, a, inverse):
    s, t = net(x).chunk(2, dim=1)
    s, t = torch.where(mask, 0, s), torch.where(mask, 0, t)
    s = a * torch.tanh(s / a)
    moved = x * (-s).exp() - t if inverse else (x + t) * s.exp()
    log_det = s.flatten(1).sum(1)
    return torch.where(mask, x, moved), -log_det if inverse else log_det
