# forgets to divide by √ᾱ_t on the way back to x_0
def guided_x_0(x_0, x_t, gradient, alpha_bar, t, scale):
    a = alpha_bar[t].reshape(-1, *[1] * (x_0.ndim - 1)).to(x_0.dtype)
    return x_0 + scale * (1 - a) * gradient
