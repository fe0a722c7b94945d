# takes Adam's own betas, 0.9 and 0.999
def train(G, F, D_X, D_Y, xs, ys, lr, lam, lam_id):
    adam = {net: torch.optim.Adam(net.parameters(), lr=lr)
            for net in (G, F, D_X, D_Y)}

    def descend(net, loss):
        adam[net].zero_grad()
        loss.backward()
        adam[net].step()

    size = lambda d: d.abs().mean()
    judged = lambda D, real, fake: ((D(real) - 1) ** 2).mean() + (D(fake.detach()) ** 2).mean()
    fooled = lambda D, fake: ((D(fake) - 1) ** 2).mean()
    cycle = lambda x, y: size(F(G(x)) - x) + size(G(F(y)) - y)
    for x, y in zip(xs, ys):
        descend(D_X, judged(D_X, x, F(y)))
        descend(D_Y, judged(D_Y, y, G(x)))
        descend(G, fooled(D_Y, G(x)) + lam * cycle(x, y) + lam_id * size(G(y) - y))
        descend(F, fooled(D_X, F(y)) + lam * cycle(x, y) + lam_id * size(F(x) - x))
    return tuple(net.state_dict() for net in (G, F, D_X, D_Y))
