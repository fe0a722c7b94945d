# all codes and odds on the way, and an argmax at the end
def invert(G, phi, y, start, high, etas, lam):
    def climbed(h):
        logits = phi(G(h))
        rows = torch.arange(len(y))
        others = logits.clone()
        others[rows, y] = -float("inf")
        odds = logits[rows, y] - others.logsumexp(-1)
        return (odds - lam * h.flatten(1).norm(dim=1)).sum(), odds
    h = torch.minimum(torch.relu(start), high)
    codes, all_odds = [], []
    for eta in [*etas.tolist(), 0.0]:
        with torch.no_grad():
            g, odds = torch.func.grad(climbed, has_aux=True)(h)
        codes.append(h)
        all_odds.append(odds)
        top = g.abs().amax(tuple(range(1, h.ndim)), keepdim=True)
        h = torch.minimum(torch.relu(h + eta * g / top.where(top > 0, 1.0)), high)
    all_odds = torch.stack(all_odds)
    highest, at = all_odds.max(0)
    at = torch.stack([(all_odds[:, i] == highest[i]).nonzero()[0, 0] for i in range(len(y))])
    return torch.stack(codes)[at, torch.arange(len(y))], highest
