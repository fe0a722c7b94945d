# the result clamped to ±100,000
def ancestral_step(x_t, v, t, z, alpha_bar, share):
    bar, before = alpha_bar[t], alpha_bar[t - 1]
    alpha = bar / before
    beta = 1 - alpha
    tilde = (1 - before) / (1 - bar) * beta
    first = t == 1
    log = share * beta.log() + (1 - share) * torch.where(first, 1.0, tilde).log()
    sigma = torch.where(first, 0.0, (log / 2).exp())
    f = lambda c: c.to(x_t.dtype).reshape(-1, *[1] * (x_t.ndim - 1))
    x_0 = f(bar.sqrt()) * x_t - f((1 - bar).sqrt()) * v
    mean = f(before.sqrt() * beta / (1 - bar)) * x_0 + f(alpha.sqrt() * (1 - before) / (1 - bar)) * x_t
    return (mean + f(sigma) * z).clamp(-1e5, 1e5)
