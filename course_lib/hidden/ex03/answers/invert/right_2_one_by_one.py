# one start after the other, and a cross-entropy against the others
def invert(G, phi, y, start, high, etas, lam):
    found = []
    for i in range(len(start)):
        h = start[i:i + 1].clamp(min=0)
        h = torch.where(h > high, high, h)
        path = []
        for k in range(len(etas) + 1):
            x = h.clone().detach().requires_grad_(True)
            with torch.enable_grad():
                logits = phi(G(x))[0]
                others = torch.cat([logits[:y[i]], logits[y[i] + 1:]])
                odds = logits[y[i]] - torch.logsumexp(others, 0)
                slope = torch.autograd.grad(odds, x, retain_graph=False)[0]
            path.append((odds.item(), -k, h))
            length = h.square().sum().sqrt()
            if length > 0:
                slope = slope - lam * h / length
            if k < len(etas) and slope.any():
                h = h + etas[k] * slope / slope.abs().max()
                h = torch.maximum(torch.minimum(h, high), torch.zeros_like(h))
        found.append(max(path, key=lambda item: item[:2]))
    return torch.cat([code for _, _, code in found]), torch.tensor([o for o, _, _ in found], dtype=start.dtype)
