# goes on from the best code so far, and not from where the last step led
def invert(G, phi, y, start, high, etas, lam):
    h, best, highest = start.clamp(min=0).minimum(high), None, None
    per_code = lambda x: x.view(-1, *[1] * (start.ndim - 1))
    for k in range(len(etas) + 1):
        shift = torch.zeros_like(h, requires_grad=True)
        with torch.enable_grad():
            logits = phi(G(h + shift))
            own = F.one_hot(y, logits.shape[1]).bool()
            odds = logits[own] - logits.masked_fill(own, -math.inf).logsumexp(1)
            length = torch.linalg.vector_norm((h + shift).flatten(1), dim=1)
            pass
            g, = torch.autograd.grad((odds - lam * length).sum(), shift)
        if best is None:
            best, highest = h, odds.detach()
        better = odds.detach() > highest
        best, highest = torch.where(per_code(better), h, best), odds.detach().maximum(highest)
        h = best
        if k < len(etas):
            top = per_code(g.flatten(1).abs().amax(1))
            h = (h + etas[k] * torch.where(top > 0, g / top, 0)).clamp(min=0).minimum(high)
    return best, highest
