# the variance kept above 1e-20, also for s = 0, where it is exactly 0
def posterior(x_0, x_t, s, t, alpha_bar):
    b_s, b_t = alpha_bar[s], alpha_bar[t]
    a = b_t / b_s
    shape = [-1] + [1] * (x_t.ndim - 1)
    c0 = b_s.sqrt() * (1 - a) / (1 - b_t)
    ct = a.sqrt() * (1 - b_s) / (1 - b_t)
    var = (1 - a) * (1 - b_s) / (1 - b_t)
    c0, ct = (c.to(x_t.dtype).reshape(shape) for c in (c0, ct))
    return c0 * x_0 + ct * x_t, var.to(x_t.dtype).clamp(min=1e-20)
