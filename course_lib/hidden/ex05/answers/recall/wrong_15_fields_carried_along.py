# carries all fields along by differences: after a large weight has come and gone, its rounding stays
def recall(w, theta, s, order):
    s = s.clone()
    h = s @ w - theta
    E = s @ theta - ((s @ w) * s).sum(1) / 2
    path = [E]
    for i in order.tolist():
        hi = h[:, i]
        new = torch.where(hi == 0, s[:, i], (hi > 0).to(s.dtype))
        change = new - s[:, i]
        E = E - hi * change
        h = h + change[:, None] * w[i]
        s[:, i] = new
        path.append(E)
    return s, torch.stack(path, 1)
