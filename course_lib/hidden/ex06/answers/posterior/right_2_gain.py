# the mean of x_s plus a gain times what x_t tells beyond it
def posterior(x_0, x_t, s, t, alpha_bar):
    shape = [-1] + [1] * (x_t.ndim - 1)
    before, now = alpha_bar[s], alpha_bar[t]
    gain = (now / before).sqrt() * (1 - before) / (1 - now)
    surprise = x_t - now.sqrt().reshape(shape).to(x_t.dtype) * x_0
    mean = before.sqrt().reshape(shape).to(x_t.dtype) * x_0 + gain.reshape(shape).to(x_t.dtype) * surprise
    variance = (1 - before) * (1 - (now / before) * (1 - before) / (1 - now))
    return mean, variance.to(x_t.dtype)
