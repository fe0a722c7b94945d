# ignores x_t: this is q(x_s | x_0), before x_t was seen
def posterior(x_0, x_t, s, t, alpha_bar):
    now, before = alpha_bar[t], alpha_bar[s]
    kept = now / before
    on_x_0 = before.sqrt()
    on_x_t = 0 * before
    variance = 1 - before
    each = lambda values: values.to(x_t.dtype).reshape(-1, *[1] * (x_t.ndim - 1))
    return each(on_x_0) * x_0 + each(on_x_t) * x_t, variance.to(x_t.dtype)
