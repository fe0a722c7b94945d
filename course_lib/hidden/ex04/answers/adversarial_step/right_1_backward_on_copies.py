# backward on copies, one player after the other
from copy import deepcopy


def adversarial_step(G, F, D_X, D_Y, x, y, a, b, c, lr):
    states = []
    for player in range(4):
        nets = [deepcopy(net) for net in (G, F, D_X, D_Y)]
        g, f, d_x, d_y = nets
        fake, real, judge = (g(x), y, d_y) if player in (0, 3) else (f(y), x, d_x)
        if player < 2:
            loss = 0.5 * (judge(fake) - c).pow(2).mean()
        else:
            loss = 0.5 * (judge(real) - b).pow(2).mean()
            loss = loss + 0.5 * (judge(fake.detach()) - a).pow(2).mean()
        descent = torch.optim.SGD(nets[player].parameters(), lr=lr)
        descent.zero_grad()
        loss.backward()
        descent.step()
        states.append(nets[player].state_dict())
    return states
