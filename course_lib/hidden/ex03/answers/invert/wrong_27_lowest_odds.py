# takes odds of -1000 for the lowest there are, and returns zeros where all are lower
def invert(G, phi, y, start, high, etas, lam):
    def odds_of(h):
        logits = phi(G(h))
        own = F.one_hot(y, logits.shape[1]).bool()
        return logits[own] - logits.masked_fill(own, -math.inf).logsumexp(1)

    shape = (-1,) + (1,) * (start.dim() - 1)
    h = start.detach().clamp(min=0).minimum(high)
    best_code, best = torch.zeros_like(h), torch.full_like(h.flatten(1)[:, 0], -1e3)
    for k in range(len(etas) + 1):
        with torch.enable_grad():
            x = h.detach().requires_grad_()
            odds = odds_of(x)
            length = torch.linalg.vector_norm(x.flatten(1), dim=1)
            g, = torch.autograd.grad((odds - lam * length).sum(), x)
        odds = odds.detach()
        if best is None:
            best_code, best = h, odds
        else:
            better = odds > best
            best_code = torch.where(better.view(shape), h, best_code)
            best = torch.where(better, odds, best)
        if k == len(etas):
            break
        top = g.abs().flatten(1).amax(1).view(shape)
        step = torch.where(top > 0, g / top, torch.zeros_like(g))
        h = (h + etas[k] * step).clamp(min=0).minimum(high)
    return best_code, best
