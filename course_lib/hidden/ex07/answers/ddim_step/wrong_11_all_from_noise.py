# takes x_0 = −v and ε = x_t for all images as soon as one of them has ᾱ_t = 0
def ddim_step(v, x_t, alpha_bar, t, s, sigma, z):
    wide = lambda values: values.reshape(-1, *[1] * (x_t.ndim - 1)).to(x_t.dtype)
    now, then = alpha_bar[t], alpha_bar[s]
    x_0 = wide(now.sqrt()) * x_t - wide((1 - now).sqrt()) * v
    eps = wide((1 - now).sqrt()) * x_t + wide(now.sqrt()) * v
    if (now == 0).any():
        x_0, eps = -v, x_t
    old = (1 - then - sigma ** 2).clamp(min=0).sqrt()
    return wide(then.sqrt()) * x_0 + wide(old) * eps + wide(sigma) * z
