# torch.func's gradient, and a drift and noise that are put together by torch
def langevin_step(G, phi, h, y, m, sigma, s, T, M, eps):
    def log_p(h):
        logits = phi(G(h))
        return (logits[torch.arange(len(h)), y] - logits.logsumexp(1)).sum()
    with torch.no_grad():
        pull = torch.func.grad(log_p)(h) + (m - h) / sigma.square()
        return torch.addcmul(torch.addcmul(h, M * s, pull), (2 * s * T) ** 0.5 * M.sqrt(), eps)
