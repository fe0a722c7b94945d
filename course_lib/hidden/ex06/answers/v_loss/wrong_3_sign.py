# has the sign of v wrong: the path runs from x_0 to ε, not back
def v_loss(net, x_0, t, eps, alpha_bar):
    signal, noise = (share[t].sqrt().to(x_0.dtype)[:, None] for share in (alpha_bar, 1 - alpha_bar))
    x_t, v = signal * x_0 + noise * eps, noise * x_0 - signal * eps
    loss = (v - net(x_t, t)).square().sum(1).mean()
    return with_gradients(loss, net)
