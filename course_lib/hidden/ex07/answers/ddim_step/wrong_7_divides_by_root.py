# finds ε first and then divides by √ᾱ_t for x_0, which is 0/0 where ᾱ_t = 0
def ddim_step(v, x_t, alpha_bar, t, s, sigma, z):
    wide = lambda values: values.reshape(-1, *[1] * (x_t.ndim - 1)).to(x_t.dtype)
    now, then = alpha_bar[t], alpha_bar[s]
    x_0 = None
    eps = wide((1 - now).sqrt()) * x_t + wide(now.sqrt()) * v
    x_0 = (x_t - wide((1 - now).sqrt()) * eps) / wide(now.sqrt())
    old = (1 - then - sigma ** 2).clamp(min=0).sqrt()
    return wide(then.sqrt()) * x_0 + wide(old) * eps + wide(sigma) * z
