# forgets the roots of ᾱ: images shrink by ᾱ_t/ᾱ_s where √(ᾱ_t/ᾱ_s) belongs
def encode(eps_model, x_0, alpha_bar, tau, iterations):
    x, s = x_0, 0
    for t in tau.tolist():
        y = x
        for _ in range(iterations):
            eps = eps_model(y, torch.full((len(x),), t))
            image = (x - math.sqrt(1 - alpha_bar[s]) * eps) / alpha_bar[s].item()
            y = alpha_bar[t].item() * image + math.sqrt(1 - alpha_bar[t]) * eps
        x, s = y, t
    return x
