# decides by two energies of all units, in whose rounding a small field is lost beside large weights
def recall(w, theta, s, order):
    energy = lambda s: s @ theta - ((s @ w) * s).sum(1) / 2
    path = [energy(s)]
    for i in order.tolist():
        on, off = s.clone(), s.clone()
        on[:, i], off[:, i] = 1, 0
        up, down = energy(on), energy(off)
        s = torch.where((up < down)[:, None], on, torch.where((up > down)[:, None], off, s))
        path.append(energy(s))
    return s.clone(), torch.stack(path, 1)
