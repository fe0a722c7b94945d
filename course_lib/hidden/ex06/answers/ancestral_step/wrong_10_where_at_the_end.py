# t = 1 chosen by torch.where after the noise is added: the gradient in z is 0 times NaN
def ancestral_step(x_t, v, t, z, alpha_bar, share):
    bar, before = alpha_bar[t], alpha_bar[t - 1]
    alpha = bar / before
    beta = 1 - alpha
    tilde = (1 - before) / (1 - bar) * beta
    first = t == 1
    log = share * beta.log() + (1 - share) * tilde.log()
    sigma = (log / 2).exp()
    f = lambda c: c.to(x_t.dtype).reshape(-1, *[1] * (x_t.ndim - 1))
    x_0 = f(bar.sqrt()) * x_t - f((1 - bar).sqrt()) * v
    mean = f(before.sqrt() * beta / (1 - bar)) * x_0 + f(alpha.sqrt() * (1 - before) / (1 - bar)) * x_t
    return torch.where(f(first.double()) == 1, mean, mean + f(sigma) * z)
