# takes PyTorch's own distributions, and their divergence
def elbo(x, logits, mu, log_var, m, log_s2, beta, lam):
    from torch.distributions import Normal, kl_divergence
    log_p = (x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits)).flatten(1).sum(1)
    kl = kl_divergence(Normal(mu, (log_var / 2).exp()), Normal(m, (log_s2 / 2).exp()))
    return log_p.mean() - beta * kl.mean(0).clamp(min=lam).sum(), log_p - kl.sum(1)
