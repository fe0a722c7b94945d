# pictures clamped to ±10,000
def jump(x_s, s, t, eps, alpha_bar):
    a = alpha_bar[t] / alpha_bar[s]
    shape = (-1,) + (1,) * (x_s.ndim - 1)
    m = a.sqrt().to(x_s.dtype).reshape(shape)
    d = (1 - a).sqrt().to(x_s.dtype).reshape(shape)
    return m * x_s.clamp(-1e4, 1e4) + d * eps
