# puts the scale on twice: on the gradient, and on what it does to x_0
def guided_x_0(x_0, x_t, gradient, alpha_bar, t, scale):
    a = alpha_bar[t].reshape(-1, *[1] * (x_0.ndim - 1)).to(x_0.dtype)
    return x_0 + scale ** 2 * (1 - a) / a.sqrt() * gradient
