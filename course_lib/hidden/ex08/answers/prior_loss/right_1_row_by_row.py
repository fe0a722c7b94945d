# one row after the other, in Python's own numbers; the network once, for all
def prior_loss(net, z_i, z_t, drop, none, t, eps, alpha_bar, gamma):
    n, d = z_i.shape
    clean, seen = [], []
    for j in range(n):
        a = alpha_bar[t[j]].item()
        clean.append(math.sqrt(d) * z_i[j] / torch.linalg.vector_norm(z_i[j]))
        c = none if drop[j] else math.sqrt(d) * z_t[j] / torch.linalg.vector_norm(z_t[j])
        seen.append(torch.cat([math.sqrt(a) * clean[j] + math.sqrt(1 - a) * eps[j], c]))
    said, loss = net(torch.stack(seen), t), 0.0
    for j in range(n):
        a = alpha_bar[t[j]].item()
        loss = loss + min(a / (1 - a), gamma) * (said[j] - clean[j]).pow(2).sum()
    return loss / n
