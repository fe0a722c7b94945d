# code by code, and the prior divided by sigma twice
def langevin_step(G, phi, h, y, m, sigma, s, T, M, eps):
    moved = []
    for i in range(len(h)):
        x = h[i:i + 1].clone().detach().requires_grad_(True)
        with torch.enable_grad():
            g = torch.autograd.grad(phi(G(x)).log_softmax(1)[0, y[i]], x)[0][0]
        g = g - (h[i] - m) / sigma / sigma
        moved.append(h[i] + s * (M * g) + (2 * s * T) ** 0.5 * M.sqrt() * eps[i])
    return torch.stack(moved)
