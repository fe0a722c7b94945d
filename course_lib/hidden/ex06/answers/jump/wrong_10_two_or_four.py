# ones behind the factors for points and for images only, not for any number of dimensions
def jump(x_s, s, t, eps, alpha_bar):
    a = alpha_bar[t] / alpha_bar[s]
    shape = (-1, 1) if x_s.ndim == 2 else (-1, 1, 1, 1)
    m = a.sqrt().to(x_s.dtype).reshape(shape)
    d = (1 - a).sqrt().to(x_s.dtype).reshape(shape)
    return m * x_s + d * eps
