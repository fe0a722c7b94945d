# adds no fresh noise to any image as soon as one of them arrives at s = 0
def ddim_step(v, x_t, alpha_bar, t, s, sigma, z):
    wide = lambda values: values.reshape(-1, *[1] * (x_t.ndim - 1)).to(x_t.dtype)
    now, then = alpha_bar[t], alpha_bar[s]
    x_0 = wide(now.sqrt()) * x_t - wide((1 - now).sqrt()) * v
    eps = wide((1 - now).sqrt()) * x_t + wide(now.sqrt()) * v
    old = (1 - then - sigma ** 2).clamp(min=0).sqrt()
    fresh = 0 if (s == 0).any() else wide(sigma) * z
    return wide(then.sqrt()) * x_0 + wide(old) * eps + fresh
