# divides by 1 − ᾱ_s, which is 0 for s = 0, so that the mean of x_0 is NaN
def posterior(x_0, x_t, s, t, alpha_bar):
    each = lambda values: values.to(x_t.dtype).reshape(-1, *[1] * (x_t.ndim - 1))
    before, kept = alpha_bar[s], alpha_bar[t] / alpha_bar[s]
    precision_0, precision_t = 1 / (1 - before), kept / (1 - kept)
    variance = 1 / (precision_0 + precision_t)
    mean = each(variance * precision_0 * before.sqrt()) * x_0 + each(variance * precision_t / kept.sqrt()) * x_t
    return mean, variance.to(x_t.dtype)
