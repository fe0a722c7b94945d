# computes all losses before anybody moves, so that nobody sees this step's judges and maps
def train(G, F, D_X, D_Y, xs, ys, lr, lam, lam_id):
    adam = {net: torch.optim.Adam(net.parameters(), lr=lr, betas=(0.5, 0.99))
            for net in (G, F, D_X, D_Y)}

    def gradients(net, loss):
        return net, torch.autograd.grad(loss, [*net.parameters()])

    size = lambda d: d.abs().mean()
    judged = lambda D, real, fake: ((D(real) - 1) ** 2).mean() + (D(fake.detach()) ** 2).mean()
    fooled = lambda D, fake: ((D(fake) - 1) ** 2).mean()
    cycle = lambda x, y: size(F(G(x)) - x) + size(G(F(y)) - y)
    for x, y in zip(xs, ys):
        found = [gradients(D_X, judged(D_X, x, F(y)))]
        found += [gradients(D_Y, judged(D_Y, y, G(x)))]
        found += [gradients(G, fooled(D_Y, G(x)) + lam * cycle(x, y) + lam_id * size(G(y) - y))]
        found += [gradients(F, fooled(D_X, F(y)) + lam * cycle(x, y) + lam_id * size(F(x) - x))]
        for net, slopes in found:
            for w, g in zip(net.parameters(), slopes):
                w.grad = g
            adam[net].step()
    return tuple(net.state_dict() for net in (G, F, D_X, D_Y))
