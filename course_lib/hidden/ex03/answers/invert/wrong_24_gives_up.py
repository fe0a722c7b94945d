# ends the search with the first step in which no code gets better
def invert(G, phi, y, start, high, etas, lam):
    shape = (len(start),) + (1,) * (start.dim() - 1)
    h = torch.minimum(start.detach().clamp(min=0), high)
    best, best_odds = h, torch.full_like(h.flatten(1)[:, 0], -math.inf)
    for k in range(len(etas) + 1):
        with torch.enable_grad():
            x = h.detach().requires_grad_()
            logits = phi(G(x))
            own = F.one_hot(y, logits.shape[1]).bool()
            odds = logits[own] - logits.masked_fill(own, -math.inf).logsumexp(1)
            length = torch.linalg.vector_norm(x.flatten(1), dim=1)
            g, = torch.autograd.grad((odds - lam * length).sum(), x)
        odds = odds.detach()
        better = odds > best_odds
        best = torch.where(better.view(shape), h, best)
        best_odds = torch.where(better, odds, best_odds)
        if k == len(etas) or not better.any():
            break
        top = g.flatten(1).abs().amax(1).view(shape)
        step = torch.where(top > 0, g / top, 0)
        h = torch.minimum((h + etas[k] * step).clamp(min=0), high)
    return best, best_odds
