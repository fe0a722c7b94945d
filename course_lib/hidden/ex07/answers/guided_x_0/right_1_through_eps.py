# to ε, guided, and back
def guided_x_0(x_0, x_t, gradient, alpha_bar, t, scale):
    a = alpha_bar[t].view(-1, *[1] * (x_t.ndim - 1)).to(x_t.dtype)
    eps = (x_t - a.sqrt() * x_0) / (1 - a).sqrt()
    eps = eps - scale * (1 - a).sqrt() * gradient
    return (x_t - (1 - a).sqrt() * eps) / a.sqrt()
