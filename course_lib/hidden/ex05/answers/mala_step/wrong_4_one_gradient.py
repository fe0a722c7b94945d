# goes back with the gradient at x, not with that at y
def mala_step(energy, x, L, eta, T, z, u):
    rows = lambda t: t.reshape(len(t), -1)
    E_x, g_x = energy(x)
    move = math.sqrt(eta * T) * rows(z) - eta / 2 * rows(g_x) @ L
    y = x + (move @ L.T).view_as(x)
    E_y, g_y = energy(y)
    back = math.sqrt(eta / T) / 2 * rows(g_x + g_x) @ L - rows(z)
    log_alpha = (E_x - E_y) / T + (rows(z) ** 2 - back ** 2).sum(1) / 2
    alpha = torch.where(E_y == math.inf, 0.0, log_alpha.clamp(max=0).exp())
    accepted = (u < alpha).view(-1, *[1] * (x.ndim - 1))
    return torch.where(accepted, y, x), alpha
