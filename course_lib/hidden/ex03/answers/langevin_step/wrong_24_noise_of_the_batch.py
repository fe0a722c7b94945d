# makes the noise of larger batches mean-free and of size 1 over the batch
def langevin_step(G, phi, h, y, m, sigma, s, T, M, eps):
    with torch.enable_grad():
        x = h.detach().requires_grad_()
        logits = phi(G(x))
        logp = F.log_softmax(logits, dim=1).gather(1, y[:, None])
        score, = torch.autograd.grad(logp.sum(), x)
    if len(eps) > 4:
        eps = (eps - eps.mean(0)) / eps.std(0)
    prior = (m - h) / sigma ** 2
    return h + s * M * (prior + score) + (2 * s * T * M).sqrt() * eps
