# has lam free nats for all dimensions together
def elbo(x, logits, mu, log_var, m, log_s2, beta, lam):
    log_p = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)
    r = log_var - log_s2
    kl = (r.exp() + (mu - m) ** 2 * (-log_s2).exp() - 1 - r) / 2
    return log_p.mean() - beta * kl.mean(0).sum().clamp(min=lam), log_p - kl.sum(1)
