# divides each energy by T and adds its log q before the difference, which cancels digits
def mala_step(energy, x, L, eta, T, z, u):
    n = len(x)
    E_x, g_x = energy(x)
    g_x, noise = g_x.reshape(n, -1), z.reshape(n, -1)
    y = (x.reshape(n, -1) - eta / 2 * g_x @ (L @ L.T) + math.sqrt(eta * T) * noise @ L.T).view_as(x)
    E_y, g_y = energy(y)
    g_y = g_y.reshape(n, -1)
    back = -noise + math.sqrt(eta / T) / 2 * (g_x + g_y) @ L
    log_alpha = (-E_y / T - back.square().sum(1) / 2) - (-E_x / T - noise.square().sum(1) / 2)
    alpha = torch.where(E_y == math.inf, 0.0, log_alpha.clamp(max=0).exp())
    new = torch.where((u < alpha).view(-1, *[1] * (x.ndim - 1)), y, x)
    return new, alpha
