# trains copies, and switches the gradients of all others off
from copy import deepcopy


def train(G, F, D_X, D_Y, xs, ys, lr, lam, lam_id):
    nets = G, F, D_X, D_Y = [deepcopy(net) for net in (G, F, D_X, D_Y)]
    adam = [torch.optim.Adam(net.parameters(), lr=lr, betas=(0.5, 0.99)) for net in nets]
    l1 = torch.nn.functional.l1_loss
    for x, y in zip(xs, ys):
        for i in (2, 3, 0, 1):
            for j, net in enumerate(nets):
                net.requires_grad_(i == j)
                net.zero_grad(set_to_none=True)
            fake_Y, fake_X = G(x), F(y)
            if i == 2:
                loss = (D_X(x) - 1).square().mean() + D_X(fake_X).square().mean()
            elif i == 3:
                loss = (D_Y(y) - 1).square().mean() + D_Y(fake_Y).square().mean()
            else:
                judged = D_Y(fake_Y) if i == 0 else D_X(fake_X)
                same = l1(G(y), y) if i == 0 else l1(F(x), x)
                loss = (judged - 1).square().mean() + lam_id * same
                loss = loss + lam * (l1(F(fake_Y), x) + l1(G(fake_X), y))
            loss.backward()
            adam[i].step()
    return tuple(net.state_dict() for net in nets)
