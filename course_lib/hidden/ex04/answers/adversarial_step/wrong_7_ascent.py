# goes up: it adds lr times the gradient
def adversarial_step(G, F, D_X, D_Y, x, y, a, b, c, lr):
    fake_Y, fake_X = G(x), F(y)
    half = lambda out, label: ((out - label) ** 2).mean() / 2
    losses = (half(D_Y(fake_Y), c), half(D_X(fake_X), c),
              half(D_X(x), b) + half(D_X(fake_X), a), half(D_Y(y), b) + half(D_Y(fake_Y), a))
    states = []
    for net, loss in zip((G, F, D_X, D_Y), losses):
        gradients = torch.autograd.grad(loss, [*net.parameters()])
        named = zip(net.named_parameters(), gradients)
        states.append({name: w.detach() + lr * g for (name, w), g in named})
    return tuple(states)
