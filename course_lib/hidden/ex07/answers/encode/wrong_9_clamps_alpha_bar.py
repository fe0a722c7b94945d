# clamps ᾱ to 1e-6, which keeps more of the image than the schedule does where nearly all is noise
def encode(eps_model, x_0, alpha_bar, tau, iterations):
    alpha_bar = alpha_bar.clamp(min=1e-6)
    x, s = x_0, 0
    for t in tau.tolist():
        y = x
        for _ in range(iterations):
            eps = eps_model(y, torch.full((len(x),), t))
            image = (x - math.sqrt(1 - alpha_bar[s]) * eps) / math.sqrt(alpha_bar[s])
            y = math.sqrt(alpha_bar[t]) * image + math.sqrt(1 - alpha_bar[t]) * eps
        x, s = y, t
    return x
