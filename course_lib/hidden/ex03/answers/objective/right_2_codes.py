# code by code, with the corner taken by hand
def objective(G, phi, h, w, tau, m, sigma, lam):
    heights = []
    for code, weights in zip(h, w):
        log_p = torch.log_softmax(phi(G(code[None]))[0] / tau, 0)
        z = ((code - m) / sigma).reshape(-1)
        length = z.pow(2).sum().sqrt() if z.detach().abs().max() > 0 else (0 * z).sum()
        heights.append(weights.dot(log_p) - lam * length)
    return torch.stack(heights)
