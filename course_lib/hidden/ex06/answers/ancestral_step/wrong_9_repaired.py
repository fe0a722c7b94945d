# what is not finite in the pictures replaced by numbers
def ancestral_step(x_t, v, t, z, alpha_bar, share):
    now, before, last = alpha_bar[t], alpha_bar[t - 1], t == 1
    alpha = now / before
    beta = 1 - alpha
    beta_tilde = torch.where(last, 1.0, (1 - before) / (1 - now) * beta)
    sigma = torch.where(
        last, 0.0, torch.exp((share * beta.log() + (1 - share) * beta_tilde.log()) / 2))
    each = lambda values: values.to(x_t.dtype).reshape(-1, *[1] * (x_t.ndim - 1))
    x_0 = each(now.sqrt()) * x_t - each((1 - now).sqrt()) * v
    mean = (each(before.sqrt() * beta / (1 - now)) * x_0
            + each(alpha.sqrt() * (1 - before) / (1 - now)) * x_t)
    return (mean + each(sigma) * z).nan_to_num()
