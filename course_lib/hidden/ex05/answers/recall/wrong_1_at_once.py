# all units look at the states that came in, and not at what others have become
def recall(w, theta, s, order):
    old, s = s, s.clone()
    energy = lambda s: s @ theta - ((s @ w) * s).sum(1) / 2
    path = [energy(s)]
    for i in order.tolist():
        h = old @ w[i] - theta[i]
        s[:, i] = torch.where(h == 0, s[:, i], (h > 0).to(s.dtype))
        path.append(energy(s))
    return s, torch.stack(path, 1)
