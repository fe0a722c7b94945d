# detaches the gradient of log p where the scale is 1
def guided_x_0(x_0, x_t, gradient, alpha_bar, t, scale):
    a = alpha_bar[t].reshape(-1, *[1] * (x_0.ndim - 1))
    gradient = gradient.detach() if scale == 1 else gradient
    return x_0 + scale * ((1 - a) / a.sqrt()).to(x_0.dtype) * gradient
