# exchanges a and b: real pictures get the label of translations
def adversarial_step(G, F, D_X, D_Y, x, y, a, b, c, lr):
    fake_Y, fake_X = G(x), F(y)
    half = lambda out, label: ((out - label) ** 2).mean() / 2
    losses = (half(D_Y(fake_Y), c), half(D_X(fake_X), c),
              half(D_X(x), a) + half(D_X(fake_X), b), half(D_Y(y), a) + half(D_Y(fake_Y), b))
    states = []
    for net, loss in zip((G, F, D_X, D_Y), losses):
        gradients = torch.autograd.grad(loss, [*net.parameters()])
        named = zip(net.named_parameters(), gradients)
        states.append({name: w.detach() - lr * g for (name, w), g in named})
    return tuple(states)
