# the variance left in float64 beside float32 pictures
def posterior(x_0, x_t, s, t, alpha_bar):
    now, before = alpha_bar[t], alpha_bar[s]
    kept = now / before
    on_x_0 = before.sqrt() * (1 - kept) / (1 - now)
    on_x_t = kept.sqrt() * (1 - before) / (1 - now)
    variance = (1 - before) * (1 - kept) / (1 - now)
    each = lambda values: values.to(x_t.dtype).reshape(-1, *[1] * (x_t.ndim - 1))
    return each(on_x_0) * x_0 + each(on_x_t) * x_t, variance
