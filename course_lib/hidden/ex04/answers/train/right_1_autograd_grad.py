# autograd.grad into the weights of whoever plays, no gradient anywhere else
def train(G, F, D_X, D_Y, xs, ys, lr, lam, lam_id):
    mean = lambda d: torch.mean(torch.abs(d))
    cycle = lambda x, y: lam * (mean(x - F(G(x))) + mean(y - G(F(y))))
    square = lambda out, label: torch.mean((label - out) ** 2)
    losses = [(D_X, lambda x, y: square(D_X(x), 1) + square(D_X(F(y)), 0)),
              (D_Y, lambda x, y: square(D_Y(y), 1) + square(D_Y(G(x)), 0)),
              (G, lambda x, y: square(D_Y(G(x)), 1) + cycle(x, y) + lam_id * mean(G(y) - y)),
              (F, lambda x, y: square(D_X(F(y)), 1) + cycle(x, y) + lam_id * mean(F(x) - x))]
    optimisers = [torch.optim.Adam(net.parameters(), lr, (0.5, 0.99)) for net, _ in losses]
    for t in range(len(xs)):
        for (net, loss), adam in zip(losses, optimisers):
            weights = [*net.parameters()]
            for w, g in zip(weights, torch.autograd.grad(loss(xs[t], ys[t]), weights)):
                w.grad = g
            adam.step()
    return [dict(net.state_dict()) for net in (G, F, D_X, D_Y)]
