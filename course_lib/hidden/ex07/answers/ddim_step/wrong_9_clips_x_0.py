# clips the predicted x_0 to −1 … 1, as a sampler of images may, and this step may not
def ddim_step(v, x_t, alpha_bar, t, s, sigma, z):
    wide = lambda values: values.reshape(-1, *[1] * (x_t.ndim - 1)).to(x_t.dtype)
    now, then = alpha_bar[t], alpha_bar[s]
    x_0 = (wide(now.sqrt()) * x_t - wide((1 - now).sqrt()) * v).clamp(-1, 1)
    eps = wide((1 - now).sqrt()) * x_t + wide(now.sqrt()) * v
    old = (1 - then - sigma ** 2).clamp(min=0).sqrt()
    return wide(then.sqrt()) * x_0 + wide(old) * eps + wide(sigma) * z
