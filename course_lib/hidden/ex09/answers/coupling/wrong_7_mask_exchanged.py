# moves the numbers that the mask keeps, and keeps the others
def coupling(x, mask, net, a, inverse):
    mask = ~mask
    s, t = net(torch.where(mask, x, 0)).chunk(2, dim=1)
    s, t = torch.where(mask, 0, s), torch.where(mask, 0, t)
    s = a * torch.tanh(s / a)
    moved = x * (-s).exp() - t if inverse else (x + t) * s.exp()
    log_det = s.flatten(1).sum(1)
    return torch.where(mask, x, moved), -log_det if inverse else log_det
