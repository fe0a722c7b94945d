# adds what .grad held before to the gradients, since nothing sets it to 0
from copy import deepcopy


def adversarial_step(G, F, D_X, D_Y, x, y, a, b, c, lr):
    half = lambda out, label: ((out - label) ** 2).mean() / 2
    fake_Y, fake_X = G(x), F(y)
    losses = (half(D_Y(fake_Y), c), half(D_X(fake_X), c),
              half(D_X(x), b) + half(D_X(fake_X), a), half(D_Y(y), b) + half(D_Y(fake_Y), a))
    states = []
    for net, loss in zip((G, F, D_X, D_Y), losses):
        gradients = torch.autograd.grad(loss, [*net.parameters()])
        states.append({name: (w - lr * (g if w.grad is None else g + w.grad)).detach()
                       for (name, w), g in zip(net.named_parameters(), gradients)})
    return tuple(states)
