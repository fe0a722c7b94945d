# a unit whose field is 0 is switched on
def recall(w, theta, s, order):
    s = s.clone()
    energy = lambda s: s @ theta - ((s @ w) * s).sum(1) / 2
    path = [energy(s)]
    for i in order.tolist():
        h = s @ w[i] - theta[i]
        s[:, i] = (h >= 0).to(s.dtype)
        path.append(energy(s))
    return s, torch.stack(path, 1)
