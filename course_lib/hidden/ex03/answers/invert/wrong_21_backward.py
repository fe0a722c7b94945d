# calls backward, which leaves gradients in the weights of both networks
def invert(G, phi, y, start, high, etas, lam):
    h, best, highest = start.clamp(min=0).minimum(high), None, None
    shape = (-1, *[1] * (h.ndim - 1))
    for k in range(len(etas) + 1):
        x = h.detach().clone().requires_grad_()
        with torch.enable_grad():
            logits = phi(G(x))
            own = F.one_hot(y, logits.shape[1]).bool()
            odds = logits[own] - logits.masked_fill(own, -math.inf).logsumexp(1)
            height = odds - lam * torch.linalg.vector_norm(x.flatten(1), dim=1)
            height.sum().backward()
            g = x.grad
        odds = odds.detach()
        if best is None:
            best, highest = h, odds
        better = odds > highest
        best, highest = torch.where(better.view(shape), h, best), torch.where(better, odds, highest)
        if k < len(etas):
            top = g.flatten(1).abs().amax(1).view(shape)
            h = (h + etas[k] * torch.where(top > 0, g / top, 0)).clamp(min=0).minimum(high)
    return best, highest
