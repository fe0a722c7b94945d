# keeps the direction at √(1 − ᾱ_s), so that the fresh noise comes on top
def ddim_step(v, x_t, alpha_bar, t, s, sigma, z):
    wide = lambda values: values.reshape(-1, *[1] * (x_t.ndim - 1)).to(x_t.dtype)
    now, then = alpha_bar[t], alpha_bar[s]
    x_0 = wide(now.sqrt()) * x_t - wide((1 - now).sqrt()) * v
    eps = wide((1 - now).sqrt()) * x_t + wide(now.sqrt()) * v
    old = (1 - then).sqrt()
    return wide(then.sqrt()) * x_0 + wide(old) * eps + wide(sigma) * z
