# solves for the noise of the way back, point by point
def mala_step(energy, x, L, eta, T, z, u):
    size, A = math.sqrt(eta * T), L.mm(L.T)
    E_x, g_x = energy(x)
    y = torch.stack([(p.flatten() - eta / 2 * A.mv(g.flatten()) + size * L.mv(e.flatten())).view_as(p)
                     for p, g, e in zip(x, g_x, z)])
    E_y, g_y = energy(y)
    new, alphas = [], []
    for i in range(len(x)):
        if E_y[i] == math.inf:
            alpha = torch.zeros_like(E_y[i])
        else:
            way = (x[i] - y[i]).flatten() + eta / 2 * A.mv(g_y[i].flatten())
            back = torch.linalg.solve_triangular(size * L, way[:, None], upper=False)
            ratio = (E_x[i] - E_y[i]) / T - (back ** 2).sum() / 2 + (z[i] ** 2).sum() / 2
            alpha = ratio.exp() if ratio < 0 else torch.ones_like(ratio)
        new.append(y[i] if u[i] < alpha else x[i])
        alphas.append(alpha)
    return torch.stack(new), torch.stack(alphas)
