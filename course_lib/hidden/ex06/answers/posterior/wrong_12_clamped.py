# x_t clamped to ±10,000
def posterior(x_0, x_t, s, t, alpha_bar):
    b_s, b_t = alpha_bar[s], alpha_bar[t]
    a = b_t / b_s
    shape = [-1] + [1] * (x_t.ndim - 1)
    c0 = b_s.sqrt() * (1 - a) / (1 - b_t)
    ct = a.sqrt() * (1 - b_s) / (1 - b_t)
    var = (1 - a) * (1 - b_s) / (1 - b_t)
    c0, ct = (c.to(x_t.dtype).reshape(shape) for c in (c0, ct))
    return c0 * x_0 + ct * x_t.clamp(-1e4, 1e4), var.to(x_t.dtype)
