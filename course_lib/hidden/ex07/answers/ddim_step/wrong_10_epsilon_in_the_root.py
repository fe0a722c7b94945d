# keeps the radicand at 1e-8 or more, so that some old noise is left where there should be none
def ddim_step(v, x_t, alpha_bar, t, s, sigma, z):
    wide = lambda values: values.reshape(-1, *[1] * (x_t.ndim - 1)).to(x_t.dtype)
    now, then = alpha_bar[t], alpha_bar[s]
    x_0 = wide(now.sqrt()) * x_t - wide((1 - now).sqrt()) * v
    eps = wide((1 - now).sqrt()) * x_t + wide(now.sqrt()) * v
    old = (1 - then - sigma ** 2).clamp(min=1e-8).sqrt()
    return wide(then.sqrt()) * x_0 + wide(old) * eps + wide(sigma) * z
