# the energies of both values of a unit, and whichever is less
def recall(w, theta, s, order):
    energy = lambda s: (s * theta).sum(-1) - torch.einsum("bi,ij,bj->b", s, w, s) / 2
    path = energy(s)[:, None]
    for i in order.tolist():
        off, on = s.clone(), s.clone()
        off[:, i], on[:, i] = 0, 1
        gain = (s * w[:, i]).sum(1) - theta[i]
        s = torch.where((gain > 0)[:, None], on, torch.where((gain < 0)[:, None], off, s))
        path = torch.cat([path, energy(s)[:, None]], 1)
    return s.clone(), path
