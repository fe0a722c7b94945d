# logits minus their logsumexp, and einsum
def objective(G, phi, h, w, tau, m, sigma, lam):
    cold = phi(G(h)).div(tau)
    log_p = cold - cold.logsumexp(1, keepdim=True)
    z = (h - m).div(sigma).flatten(start_dim=1)
    return torch.einsum("nk,nk->n", w, log_p) - lam * z.norm(dim=1)
