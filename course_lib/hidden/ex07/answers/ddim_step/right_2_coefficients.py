# one coefficient for x_t and one for v, each computed in float64
def ddim_step(v, x_t, alpha_bar, t, s, sigma, z):
    a, b = alpha_bar[t], alpha_bar[s]
    rest = (1 - b - sigma ** 2).clamp(min=0)
    on_x = (a * b).sqrt() + ((1 - a) * rest).sqrt()
    on_v = (a * rest).sqrt() - ((1 - a) * b).sqrt()
    fit = lambda c: c.to(x_t.dtype)[(...,) + (None,) * (x_t.ndim - 1)]
    return fit(on_x) * x_t + fit(on_v) * v + fit(sigma) * z
