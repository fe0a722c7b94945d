# computes inside torch.no_grad(), so that no gradient flows to x_0
def guided_x_0(x_0, x_t, gradient, alpha_bar, t, scale):
    with torch.no_grad():
        a = alpha_bar[t].reshape(-1, *[1] * (x_0.ndim - 1))
        return x_0 + scale * ((1 - a) / a.sqrt()).to(x_0.dtype) * gradient
