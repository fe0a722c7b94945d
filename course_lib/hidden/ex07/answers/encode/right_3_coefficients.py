# one coefficient for x_s and one for ε a step
def encode(eps_model, x_0, alpha_bar, tau, iterations):
    x = x_0.clone()
    before = 0
    for t in tau:
        a, b = alpha_bar[t], alpha_bar[before]
        scale = (a / b).sqrt().to(x.dtype)
        shift = ((1 - a).sqrt() - (a * (1 - b) / b).sqrt()).to(x.dtype)
        label = t.repeat(x.shape[0])
        y = x
        for _ in range(iterations):
            y = scale * x + shift * eps_model(y, label)
        x, before = y, t
    return x
